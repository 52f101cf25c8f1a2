import Arrow
import Base
import VolleyPlan

/// The sum of floats as float64, added in the order in which they come.
final class FloatSumAccumulator: Accumulator {
  private var sums = SlotStates<Double>(initial: 0)
  private var marks = SlotMarks()

  let resultType = DataType.float64
  let stateTypes = [DataType.float64]
  var slotCount: Int { sums.count }
  var byteCount: Int { sums.byteCount + marks.byteCount }

  deinit {
    sums.deallocate()
    marks.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) {
    try sums.grow(to: slotCount)
    try marks.grow(to: slotCount)
  }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) {
    try sums.reserve(slotCount)
    try marks.reserve(slotCount)
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument else { preconditionFailure("a sum has an argument") }
    let rows = input.complete
    switch argument.type {
    case .float16: add(slots, count, argument.values(Float16.self), rows)
    case .float32: add(slots, count, argument.values(Float.self), rows)
    default: add(slots, count, argument.values(Double.self), rows)
    }
    marks.mark(slots, count: count, validity: rows)
  }

  @inline(__always)  // Three loops, one a width.
  private func add<Value: BinaryFloatingPoint>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) {
    sums.forEach(slots, count: count, validity: rows) { state, row in state.pointee += Double(values[row]) }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    guard let argument = input.argument else { preconditionFailure("a sum has an argument") }
    let rows = input.complete
    let validity = marks.markRunning(slots, count: count, validity: rows)
    return switch argument.type {
    case .float16: addRunning(slots, count, argument.values(Float16.self), rows, validity)
    case .float32: addRunning(slots, count, argument.values(Float.self), rows, validity)
    default: addRunning(slots, count, argument.values(Double.self), rows, validity)
    }
  }

  @inline(__always)  // Three loops, one a width.
  private func addRunning<Value: BinaryFloatingPoint>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?, _ validity: Buffer?
  ) -> Column {
    sums.runningColumn(.float64, slots, count: count, rows: rows, validity: validity) { state, row in
      state.pointee += Double(values[row])
    } _: {
      $0.pointee
    }
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    update(slots, count: count, AggregateInput(argument: states[0], count: count))
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    sums.column(.float64, slots, count: count, validity: marks.validity(slots, count: count)) { $0.pointee }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    sums.reset(slots, count: count)
    marks.reset(slots, count: count)
  }

  func removeAll() {
    sums.removeAll()
    marks.removeAll()
  }
}
