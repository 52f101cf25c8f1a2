import Arrow
import Base
import VolleyPlan

/// The average of floats as float64: their sum, added in the order in which they come, divided by their count.
final class FloatAverageAccumulator: Accumulator {
  private struct State {
    var sum: Double
    var count: Int64

    var average: Double { sum / Double(count) }

    @inline(__always)  // Part of the loop over the rows.
    mutating func add(_ value: Double) {
      sum += value
      count &+= 1
    }
  }

  private var sums = SlotStates<State>(initial: State(sum: 0, count: 0))

  let resultType = DataType.float64
  /// The sum and the count of values.
  let stateTypes = [DataType.float64, .int64]
  var slotCount: Int { sums.count }
  var byteCount: Int { sums.byteCount }

  deinit { sums.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try sums.grow(to: slotCount) }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) { try sums.reserve(slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument else { preconditionFailure("an average has an argument") }
    let rows = input.complete
    switch argument.type {
    case .float16: add(slots, count, argument.values(Float16.self), rows)
    case .float32: add(slots, count, argument.values(Float.self), rows)
    default: add(slots, count, argument.values(Double.self), rows)
    }
  }

  @inline(__always)  // Three loops, one a width.
  private func add<Value: BinaryFloatingPoint>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) {
    sums.forEach(slots, count: count, validity: rows) { state, row in state.pointee.add(Double(values[row])) }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    guard let argument = input.argument else { preconditionFailure("an average has an argument") }
    let rows = input.complete
    return switch argument.type {
    case .float16: addRunning(slots, count, argument.values(Float16.self), rows)
    case .float32: addRunning(slots, count, argument.values(Float.self), rows)
    default: addRunning(slots, count, argument.values(Double.self), rows)
    }
  }

  @inline(__always)  // Three loops, one a width.
  private func addRunning<Value: BinaryFloatingPoint>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) -> Column {
    sums.runningColumn(.float64, slots, count: count, rows: rows) { state, row in
      state.pointee.add(Double(values[row]))
    } _: {
      $0.pointee.average
    } isValid: {
      $0.pointee.count > 0
    }
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    let (partials, counts) = (states[0].values(Double.self), states[1].values(Int64.self))
    sums.forEach(slots, count: count, validity: nil) { state, row in
      state.pointee.sum += partials[row]
      state.pointee.count &+= counts[row]
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = sums.validity(slots, count: count) { $0.pointee.count > 0 }
    return sums.column(.float64, slots, count: count, validity: validity) { $0.pointee.average }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    [
      sums.column(.float64, slots, count: count) { $0.pointee.sum },
      sums.column(.int64, slots, count: count) { $0.pointee.count },
    ]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { sums.reset(slots, count: count) }

  func removeAll() { sums.removeAll() }
}
