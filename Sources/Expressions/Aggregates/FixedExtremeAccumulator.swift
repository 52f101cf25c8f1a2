import Arrow
import Base
import VolleyPlan

/// Which end of the order an accumulator keeps.
enum Extreme {
  case least, greatest
}

/// The least or greatest of numbers, decimals, dates and times.
///
/// int32, int64, float64 and decimals are compared as they are; the other widths are widened to one of the first three
/// before, which is one more pass over them, and narrowed when the result is read.
final class FixedExtremeAccumulator: Accumulator {
  /// By how the values are kept. New slots hold what every value replaces.
  private enum States {
    case int32(SlotStates<Int32>)
    case int64(SlotStates<Int64>)
    case float64(SlotStates<Double>)
    case int128(SlotStates<Int128>)
  }

  private let extreme: Extreme
  private var states: States
  private var marks = SlotMarks()
  /// Values are kept as their ordered keys.
  private let isKeyed: Bool

  let resultType: DataType
  var stateTypes: [DataType] { [resultType] }
  var slotCount: Int { marks.count }
  var byteCount: Int {
    switch states {
    case .int32(let values): values.byteCount + marks.byteCount
    case .int64(let values): values.byteCount + marks.byteCount
    case .float64(let values): values.byteCount + marks.byteCount
    case .int128(let values): values.byteCount + marks.byteCount
    }
  }

  init(_ extreme: Extreme, _ type: DataType) {
    self.extreme = extreme
    resultType = type
    let least = extreme == .least
    switch type {
    case .float64, .float32, .float16:
      states = .float64(SlotStates(initial: .nan))
      isKeyed = false
    case .decimal128:
      states = .int128(SlotStates(initial: least ? .max : .min))
      isKeyed = false
    case .int8, .int16, .uint8, .uint16, .uint32, .uint64:
      states = .int64(SlotStates(initial: least ? .max : .min))
      isKeyed = true
    default:
      switch type.layout {
      case .fixed(width: 4): states = .int32(SlotStates(initial: least ? .max : .min))
      case .fixed(width: 8): states = .int64(SlotStates(initial: least ? .max : .min))
      default: preconditionFailure("\(type) has an accumulator of its own")
      }
      isKeyed = false
    }
  }

  deinit {
    switch states {
    case .int32(let values): values.deallocate()
    case .int64(let values): values.deallocate()
    case .float64(let values): values.deallocate()
    case .int128(let values): values.deallocate()
    }
    marks.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) {
    switch states {
    case .int32(var values):
      try values.grow(to: slotCount)
      states = .int32(values)
    case .int64(var values):
      try values.grow(to: slotCount)
      states = .int64(values)
    case .float64(var values):
      try values.grow(to: slotCount)
      states = .float64(values)
    case .int128(var values):
      try values.grow(to: slotCount)
      states = .int128(values)
    }
    try marks.grow(to: slotCount)
  }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) {
    switch states {
    case .int32(var values):
      try values.reserve(slotCount)
      states = .int32(values)
    case .int64(var values):
      try values.reserve(slotCount)
      states = .int64(values)
    case .float64(var values):
      try values.reserve(slotCount)
      states = .float64(values)
    case .int128(var values):
      try values.reserve(slotCount)
      states = .int128(values)
    }
    try marks.reserve(slotCount)
  }

  /// The argument as it is kept.
  private func widened(_ argument: Column) -> Column {
    if isKeyed { return OrderedColumn.keys(argument) }
    return argument.type == .float32 || argument.type == .float16 ? NumberColumn.doubles(argument) : argument
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument.map(widened) else { preconditionFailure("an extreme has an argument") }
    let validity = input.complete
    switch states {
    case .int32(let states): integers(states, slots, count, argument, validity)
    case .int64(let states): integers(states, slots, count, argument, validity)
    case .float64(let states): floats(states, slots, count, argument, validity)
    case .int128(let states): integers(states, slots, count, argument, validity)
    }
    marks.mark(slots, count: count, validity: validity)
  }

  @inline(__always)  // Six loops, by width and extreme.
  private func integers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ states: SlotStates<Value>, _ slots: UnsafePointer<UInt32>, _ count: Int, _ column: Column, _ validity: Bits?
  ) {
    let values = column.values(Value.self)
    switch extreme {
    case .least:
      states.forEach(slots, count: count, validity: validity) { state, row in
        let (old, new) = (state.pointee, values[row])
        state.pointee = new < old ? new : old
      }
    case .greatest:
      states.forEach(slots, count: count, validity: validity) { state, row in
        let (old, new) = (state.pointee, values[row])
        state.pointee = new > old ? new : old
      }
    }
  }

  /// A NaN stays until a number comes, and never replaces one.
  private func floats(
    _ states: SlotStates<Double>, _ slots: UnsafePointer<UInt32>, _ count: Int, _ column: Column, _ validity: Bits?
  ) {
    let values = column.values(Double.self)
    switch extreme {
    case .least:
      states.forEach(slots, count: count, validity: validity) { state, row in
        let (old, new) = (state.pointee, values[row])
        state.pointee = new < old || old != old ? new : old
      }
    case .greatest:
      states.forEach(slots, count: count, validity: validity) { state, row in
        let (old, new) = (state.pointee, values[row])
        state.pointee = new > old || old != old ? new : old
      }
    }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    guard let argument = input.argument.map(widened) else { preconditionFailure("an extreme has an argument") }
    let rows = input.complete
    let validity = marks.markRunning(slots, count: count, validity: rows)
    return switch states {
    case .int32(let states): integersRunning(states, slots, argument, rows, validity)
    case .int64(let states): integersRunning(states, slots, argument, rows, validity)
    case .float64(let states): floatsRunning(states, slots, argument, rows, validity)
    case .int128(let states): integersRunning(states, slots, argument, rows, validity)
    }
  }

  @inline(__always)  // Six loops, as above.
  private func integersRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ states: SlotStates<Value>, _ slots: UnsafePointer<UInt32>, _ column: Column, _ rows: Bits?, _ validity: Buffer?
  ) -> Column {
    let values = column.values(Value.self)
    let kept = isKeyed ? DataType.int64 : resultType
    let results =
      switch extreme {
      case .least:
        states.runningColumn(kept, slots, count: column.length, rows: rows, validity: validity) { state, row in
          state.pointee = min(state.pointee, values[row])
        } _: {
          $0.pointee
        }
      case .greatest:
        states.runningColumn(kept, slots, count: column.length, rows: rows, validity: validity) { state, row in
          state.pointee = max(state.pointee, values[row])
        } _: {
          $0.pointee
        }
      }
    return narrowed(results)
  }

  private func floatsRunning(
    _ states: SlotStates<Double>, _ slots: UnsafePointer<UInt32>, _ column: Column, _ rows: Bits?, _ validity: Buffer?
  ) -> Column {
    let values = column.values(Double.self)
    let results =
      switch extreme {
      case .least:
        states.runningColumn(.float64, slots, count: column.length, rows: rows, validity: validity) { state, row in
          let (old, new) = (state.pointee, values[row])
          state.pointee = new < old || old != old ? new : old
        } _: {
          $0.pointee
        }
      case .greatest:
        states.runningColumn(.float64, slots, count: column.length, rows: rows, validity: validity) { state, row in
          let (old, new) = (state.pointee, values[row])
          state.pointee = new > old || old != old ? new : old
        } _: {
          $0.pointee
        }
      }
    return narrowed(results)
  }

  /// Values as they are kept, as results.
  private func narrowed(_ kept: Column) -> Column {
    if isKeyed {
      return OrderedColumn.column(
        resultType, kept.values(Int64.self), count: kept.length, validity: kept.validity)
    }
    var results = kept
    if resultType == .float32 { results = NumberColumn.convert(kept, .float32) { Float($0 as Double) } }
    if resultType == .float16 { results = NumberColumn.convert(kept, .float16) { Float16($0 as Double) } }
    results.validity = kept.validity
    return results
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    update(slots, count: count, AggregateInput(argument: states[0], count: count))
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = marks.validity(slots, count: count)
    let kept =
      switch states {
      case .int32(let values): values.column(resultType, slots, count: count, validity: validity) { $0.pointee }
      case .int64(let values):
        values.column(isKeyed ? .int64 : resultType, slots, count: count, validity: validity) { $0.pointee }
      case .float64(let values): values.column(.float64, slots, count: count, validity: validity) { $0.pointee }
      case .int128(let values): values.column(resultType, slots, count: count, validity: validity) { $0.pointee }
      }
    return narrowed(kept)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    switch states {
    case .int32(let values): values.reset(slots, count: count)
    case .int64(let values): values.reset(slots, count: count)
    case .float64(let values): values.reset(slots, count: count)
    case .int128(let values): values.reset(slots, count: count)
    }
    marks.reset(slots, count: count)
  }

  func removeAll() {
    switch states {
    case .int32(var values):
      values.removeAll()
      states = .int32(values)
    case .int64(var values):
      values.removeAll()
      states = .int64(values)
    case .float64(var values):
      values.removeAll()
      states = .float64(values)
    case .int128(var values):
      values.removeAll()
      states = .int128(values)
    }
    marks.removeAll()
  }
}
