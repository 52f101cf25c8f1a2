import Arrow
import VolleyPlan

/// The average of integers. The sum is kept exactly, in 128 bits: the result depends neither on the order of the rows
/// nor on how they were divided into partial aggregates.
final class IntegerAverageAccumulator: Accumulator {
  private struct State {
    /// The sum's low and high halves.
    var low: UInt64
    var high: Int64
    var count: Int64

    var average: Double {
      let short = Int64(bitPattern: low)
      // Most sums fit 64 bits; converting 128 takes 500 times as long.
      if high == short >> 63 { return Double(short) / Double(count) }
      return Double(Int128(high) &<< 64 | Int128(low)) / Double(count)
    }

    @inline(__always)  // Part of the loop over the rows.
    mutating func add(high otherHigh: Int64, low otherLow: UInt64, count otherCount: Int64) {
      let (sum, carry) = low.addingReportingOverflow(otherLow)
      low = sum
      high = high &+ otherHigh &+ (carry ? 1 : 0)  // 2^63 values of 64 bits fit.
      count &+= otherCount
    }
  }

  private var sums = SlotStates<State>(initial: State(low: 0, high: 0, count: 0))

  let resultType = DataType.float64
  /// The sum's high half, its low half's bits, the count of values.
  let stateTypes = [DataType.int64, .int64, .int64]
  var slotCount: Int { sums.count }

  deinit { sums.deallocate() }

  func grow(to slotCount: Int) { sums.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) {
    guard let argument else { preconditionFailure("an average has an argument") }
    switch argument.type {
    case .int32: add(slots, count, argument, as: Int32.self)
    default: add(slots, count, argument, as: Int64.self)
    }
  }

  @inline(__always)  // Two loops, one a width.
  private func add<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ column: Column, as _: Value.Type
  ) {
    let values = column.values(Value.self)
    sums.forEach(slots, count: count, validity: Bits(validityOf: column)) { state, row in
      let value = Int64(truncatingIfNeeded: values[row])
      state.pointee.add(high: value >> 63, low: UInt64(bitPattern: value), count: 1)
    }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) -> Column {
    guard let argument else { preconditionFailure("an average has an argument") }
    return switch argument.type {
    case .int32: addRunning(slots, count, argument, as: Int32.self)
    default: addRunning(slots, count, argument, as: Int64.self)
    }
  }

  @inline(__always)  // Two loops, one a width.
  private func addRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ column: Column, as _: Value.Type
  ) -> Column {
    let values = column.values(Value.self)
    let rows = Bits(validityOf: column)
    let buffer = Buffer(byteCount: count * 8)
    let averages = buffer.unsafeMutableValues(Double.self)
    let bits = sums.runningBits(slots, count: count, validity: rows) { state, row, isValid in
      if isValid {
        let value = Int64(truncatingIfNeeded: values[row])
        state.pointee.add(high: value >> 63, low: UInt64(bitPattern: value), count: 1)
      }
      averages[row] = state.pointee.average
      return state.pointee.count > 0
    }
    return Column(type: .float64, length: count, validity: rows == nil ? nil : bits.buffer, buffers: [buffer])
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    let (highs, lows) = (states[0].values(Int64.self), states[1].values(Int64.self))
    let counts = states[2].values(Int64.self)
    sums.forEach(slots, count: count, validity: nil) { state, row in
      state.pointee.add(high: highs[row], low: UInt64(bitPattern: lows[row]), count: counts[row])
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = sums.validity(slots, count: count) { $0.pointee.count > 0 }
    return sums.column(.float64, slots, count: count, validity: validity) { state in
      state.pointee.average
    }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    [
      sums.column(.int64, slots, count: count) { $0.pointee.high },
      sums.column(.int64, slots, count: count) { Int64(bitPattern: $0.pointee.low) },
      sums.column(.int64, slots, count: count) { $0.pointee.count },
    ]
  }

  func removeAll() { sums.removeAll() }
}
