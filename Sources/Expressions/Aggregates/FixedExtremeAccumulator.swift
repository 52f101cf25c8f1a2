import Arrow
import VolleyPlan

/// Which end of the order an accumulator keeps.
enum Extreme {
  case least, greatest
}

/// The least or greatest of numbers or timestamps.
final class FixedExtremeAccumulator: Accumulator {
  /// By how the values are kept. New slots hold what every value replaces.
  private enum States {
    case int32(SlotStates<Int32>)
    case int64(SlotStates<Int64>)
    case float64(SlotStates<Double>)
  }

  private let extreme: Extreme
  private var states: States
  private var marks = SlotMarks()

  let resultType: DataType
  var stateTypes: [DataType] { [resultType] }
  var slotCount: Int { marks.count }

  init(_ extreme: Extreme, _ type: DataType) {
    self.extreme = extreme
    resultType = type
    states =
      switch type {
      case .int32: .int32(SlotStates(initial: extreme == .least ? .max : .min))
      case .int64, .timestamp: .int64(SlotStates(initial: extreme == .least ? .max : .min))
      case .float64: .float64(SlotStates(initial: .nan))
      default: preconditionFailure("\(type) has an accumulator of its own")
      }
  }

  deinit {
    switch states {
    case .int32(let values): values.deallocate()
    case .int64(let values): values.deallocate()
    case .float64(let values): values.deallocate()
    }
    marks.deallocate()
  }

  func grow(to slotCount: Int) {
    switch states {
    case .int32(var values):
      values.grow(to: slotCount)
      states = .int32(values)
    case .int64(var values):
      values.grow(to: slotCount)
      states = .int64(values)
    case .float64(var values):
      values.grow(to: slotCount)
      states = .float64(values)
    }
    marks.grow(to: slotCount)
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) {
    guard let argument else { preconditionFailure("an extreme has an argument") }
    let validity = Bits(validityOf: argument)
    switch states {
    case .int32(let states): integers(states, slots, count, argument, validity)
    case .int64(let states): integers(states, slots, count, argument, validity)
    case .float64(let states): floats(states, slots, count, argument, validity)
    }
    marks.mark(slots, count: count, validity: validity)
  }

  @inline(__always)  // Four loops, by width and extreme.
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

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) -> Column {
    guard let argument else { preconditionFailure("an extreme has an argument") }
    let rows = Bits(validityOf: argument)
    let validity = marks.markRunning(slots, count: count, validity: rows)
    return switch states {
    case .int32(let states): integersRunning(states, slots, argument, rows, validity)
    case .int64(let states): integersRunning(states, slots, argument, rows, validity)
    case .float64(let states): floatsRunning(states, slots, argument, rows, validity)
    }
  }

  @inline(__always)  // Four loops, as above.
  private func integersRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ states: SlotStates<Value>, _ slots: UnsafePointer<UInt32>, _ column: Column, _ rows: Bits?, _ validity: Buffer?
  ) -> Column {
    let values = column.values(Value.self)
    return switch extreme {
    case .least:
      states.runningColumn(resultType, slots, count: column.length, rows: rows, validity: validity) { state, row in
        state.pointee = min(state.pointee, values[row])
      } _: {
        $0.pointee
      }
    case .greatest:
      states.runningColumn(resultType, slots, count: column.length, rows: rows, validity: validity) { state, row in
        state.pointee = max(state.pointee, values[row])
      } _: {
        $0.pointee
      }
    }
  }

  private func floatsRunning(
    _ states: SlotStates<Double>, _ slots: UnsafePointer<UInt32>, _ column: Column, _ rows: Bits?, _ validity: Buffer?
  ) -> Column {
    let values = column.values(Double.self)
    return switch extreme {
    case .least:
      states.runningColumn(resultType, slots, count: column.length, rows: rows, validity: validity) { state, row in
        let (old, new) = (state.pointee, values[row])
        state.pointee = new < old || old != old ? new : old
      } _: {
        $0.pointee
      }
    case .greatest:
      states.runningColumn(resultType, slots, count: column.length, rows: rows, validity: validity) { state, row in
        let (old, new) = (state.pointee, values[row])
        state.pointee = new > old || old != old ? new : old
      } _: {
        $0.pointee
      }
    }
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    update(slots, count: count, argument: states[0])
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = marks.validity(slots, count: count)
    return switch states {
    case .int32(let values): values.column(resultType, slots, count: count, validity: validity) { $0.pointee }
    case .int64(let values): values.column(resultType, slots, count: count, validity: validity) { $0.pointee }
    case .float64(let values): values.column(resultType, slots, count: count, validity: validity) { $0.pointee }
    }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

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
    }
    marks.removeAll()
  }
}
