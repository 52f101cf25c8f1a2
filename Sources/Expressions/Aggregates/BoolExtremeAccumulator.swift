import Arrow
import Base
import VolleyPlan

/// The least (all true) or greatest (any true) of booleans; false comes before true.
final class BoolExtremeAccumulator: Accumulator {
  private let extreme: Extreme
  /// 0 or 1; new slots hold what every value replaces.
  private var values: SlotStates<UInt8>
  private var marks = SlotMarks()

  let resultType = DataType.bool
  let stateTypes = [DataType.bool]
  var slotCount: Int { values.count }
  var byteCount: Int { values.byteCount + marks.byteCount }

  init(_ extreme: Extreme) {
    self.extreme = extreme
    values = SlotStates(initial: extreme == .least ? 1 : 0)
  }

  deinit {
    values.deallocate()
    marks.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) {
    try values.grow(to: slotCount)
    try marks.grow(to: slotCount)
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument else { preconditionFailure("an extreme has an argument") }
    let bits = Bits(valuesOf: argument)
    let validity = input.complete
    switch extreme {
    case .least:
      values.forEach(slots, count: count, validity: validity) { state, row in
        state.pointee &= Bitmap.get(bits.address, bits.offset &+ row) ? 1 : 0
      }
    case .greatest:
      values.forEach(slots, count: count, validity: validity) { state, row in
        state.pointee |= Bitmap.get(bits.address, bits.offset &+ row) ? 1 : 0
      }
    }
    marks.mark(slots, count: count, validity: validity)
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    guard let argument = input.argument else { preconditionFailure("an extreme has an argument") }
    let bits = Bits(valuesOf: argument)
    let rows = input.complete
    let validity = marks.markRunning(slots, count: count, validity: rows)
    let isLeast = extreme == .least
    return values.runningBits(slots, count: count, validity: rows) { state, row, isValid in
      if isValid {
        let value: UInt8 = Bitmap.get(bits.address, bits.offset &+ row) ? 1 : 0
        state.pointee = isLeast ? state.pointee & value : state.pointee | value
      }
      return state.pointee == 1
    }.column(validity: validity)
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    update(slots, count: count, AggregateInput(argument: states[0], count: count))
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let base = values.base
    return Words(count: count) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows { word |= UInt64(base[Int(slots[start &+ bit])]) &<< UInt64(truncatingIfNeeded: bit) }
      return word
    }.column(validity: marks.validity(slots, count: count))
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    values.reset(slots, count: count)
    marks.reset(slots, count: count)
  }

  func removeAll() {
    values.removeAll()
    marks.removeAll()
  }
}
