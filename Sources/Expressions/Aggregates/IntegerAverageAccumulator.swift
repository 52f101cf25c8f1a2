import Arrow
import Base
import VolleyPlan

/// The average of integers as float64, of durations as a duration, rounded towards zero. The sum is kept exactly, in
/// 128 bits: the result depends neither on the order of the rows nor on how they were divided into partial aggregates.
final class IntegerAverageAccumulator: Accumulator {
  private struct State {
    var sum: WideSum
    var count: Int64

    var average: Double { sum.double / Double(count) }
    /// Of values that fit int64.
    var truncated: Int64 { count == 0 ? 0 : Int64(truncatingIfNeeded: sum.value / Int128(count)) }

    @inline(__always)  // Part of the loop over the rows.
    mutating func add(_ other: WideSum, count otherCount: Int64) {
      sum.add(other)
      count &+= otherCount
    }
  }

  private var sums = SlotStates<State>(initial: State(sum: .zero, count: 0))

  let resultType: DataType
  /// The sum's high half, its low half's bits, the count of values.
  let stateTypes = [DataType.int64, .int64, .int64]
  var slotCount: Int { sums.count }
  var byteCount: Int { sums.byteCount }

  init(result: DataType) { resultType = result }

  deinit { sums.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try sums.grow(to: slotCount) }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) { try sums.reserve(slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument else { preconditionFailure("an average has an argument") }
    let rows = input.complete
    switch argument.type {
    case .int8: add(slots, count, argument.values(Int8.self), rows)
    case .int16: add(slots, count, argument.values(Int16.self), rows)
    case .int32: add(slots, count, argument.values(Int32.self), rows)
    case .uint8: add(slots, count, argument.values(UInt8.self), rows)
    case .uint16: add(slots, count, argument.values(UInt16.self), rows)
    case .uint32: add(slots, count, argument.values(UInt32.self), rows)
    case .uint64: add(slots, count, argument.values(UInt64.self), rows)
    default: add(slots, count, argument.values(Int64.self), rows)
    }
  }

  @inline(__always)  // Eight loops, one a width.
  private func add<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) {
    sums.forEach(slots, count: count, validity: rows) { state, row in
      state.pointee.add(WideSum(values[row]), count: 1)
    }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    guard let argument = input.argument else { preconditionFailure("an average has an argument") }
    let rows = input.complete
    return switch argument.type {
    case .int8: addRunning(slots, count, argument.values(Int8.self), rows)
    case .int16: addRunning(slots, count, argument.values(Int16.self), rows)
    case .int32: addRunning(slots, count, argument.values(Int32.self), rows)
    case .uint8: addRunning(slots, count, argument.values(UInt8.self), rows)
    case .uint16: addRunning(slots, count, argument.values(UInt16.self), rows)
    case .uint32: addRunning(slots, count, argument.values(UInt32.self), rows)
    case .uint64: addRunning(slots, count, argument.values(UInt64.self), rows)
    case .duration: addRunningDurations(slots, count, argument.values(Int64.self), rows)
    default: addRunning(slots, count, argument.values(Int64.self), rows)
    }
  }

  @inline(__always)  // Eight loops, one a width.
  private func addRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) -> Column {
    sums.runningColumn(.float64, slots, count: count, rows: rows) { state, row in
      state.pointee.add(WideSum(values[row]), count: 1)
    } _: {
      $0.pointee.average
    } isValid: {
      $0.pointee.count > 0
    }
  }

  private func addRunningDurations(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Int64>, _ rows: Bits?
  ) -> Column {
    sums.runningColumn(resultType, slots, count: count, rows: rows) { state, row in
      state.pointee.add(WideSum(values[row]), count: 1)
    } _: {
      $0.pointee.truncated
    } isValid: {
      $0.pointee.count > 0
    }
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    let (highs, lows) = (states[0].values(Int64.self), states[1].values(Int64.self))
    let counts = states[2].values(Int64.self)
    sums.forEach(slots, count: count, validity: nil) { state, row in
      state.pointee.add(WideSum(low: UInt64(bitPattern: lows[row]), high: highs[row]), count: counts[row])
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = sums.validity(slots, count: count) { $0.pointee.count > 0 }
    if resultType == .float64 {
      return sums.column(.float64, slots, count: count, validity: validity) { $0.pointee.average }
    }
    return sums.column(resultType, slots, count: count, validity: validity) { $0.pointee.truncated }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    [
      sums.column(.int64, slots, count: count) { $0.pointee.sum.high },
      sums.column(.int64, slots, count: count) { Int64(bitPattern: $0.pointee.sum.low) },
      sums.column(.int64, slots, count: count) { $0.pointee.count },
    ]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { sums.reset(slots, count: count) }

  func removeAll() { sums.removeAll() }
}
