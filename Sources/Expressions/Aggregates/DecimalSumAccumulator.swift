import Arrow
import Base
import Glibc
import VolleyPlan

/// The sum of decimals with 38 digits, checked when it is read, or their average as float64. The sum is exact in 192
/// bits: what the parts of it add up to on the way does not matter.
final class DecimalSumAccumulator: Accumulator {
  private struct State {
    /// Modulo 2^128.
    var sum: Int128
    /// How many times 2^128 are to be added.
    var carries: Int64
    var count: Int64

    @inline(__always)  // Part of the loop over the rows.
    mutating func add(_ value: Int128) {
      let (result, overflow) = sum.addingReportingOverflow(value)
      sum = result
      if overflow { carries &+= value < 0 ? -1 : 1 }
      count &+= 1
    }

    var fits: Bool { carries == 0 && sum.magnitude < DecimalSumAccumulator.limit }
    var double: Double { Double(sum) + Double(carries) * 0x1p128 }
  }

  /// 10^38.
  private static let limit: UInt128 = 100_000_000_000_000_000_000_000_000_000_000_000_000

  private var sums = SlotStates<State>(initial: State(sum: 0, carries: 0, count: 0))
  private let isAverage: Bool
  /// What the unscaled value is divided by.
  private let divisor: Double

  let resultType: DataType
  /// The carries, the sum's high half, its low half's bits, the count of values.
  let stateTypes = [DataType.int64, .int64, .int64, .int64]
  var slotCount: Int { sums.count }
  var byteCount: Int { sums.byteCount }

  /// - Parameter result: decimal128 of 38 digits for a sum, float64 for an average.
  init(scale: Int, result: DataType) {
    resultType = result
    isAverage = result == .float64
    divisor = pow(10, Double(scale))
  }

  deinit { sums.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try sums.grow(to: slotCount) }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) { try sums.reserve(slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument else { preconditionFailure("a sum has an argument") }
    let values = argument.values(Int128.self)
    sums.forEach(slots, count: count, validity: input.complete) { state, row in state.pointee.add(values[row]) }
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("a sum has an argument") }
    let values = argument.values(Int128.self)
    if isAverage {
      let divisor = divisor
      return sums.runningColumn(.float64, slots, count: count, rows: input.complete) { state, row in
        state.pointee.add(values[row])
      } _: {
        $0.pointee.double / (Double($0.pointee.count) * divisor)
      } isValid: {
        $0.pointee.count > 0
      }
    }
    var fits = true
    let results = sums.runningColumn(resultType, slots, count: count, rows: input.complete) { state, row in
      state.pointee.add(values[row])
      fits = fits && state.pointee.fits
    } _: {
      $0.pointee.sum
    } isValid: {
      $0.pointee.count > 0
    }
    if !fits { throw failure() }
    return results
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    let (carries, highs) = (states[0].values(Int64.self), states[1].values(Int64.self))
    let (lows, counts) = (states[2].values(Int64.self), states[3].values(Int64.self))
    sums.forEach(slots, count: count, validity: nil) { state, row in
      state.pointee.add(Int128(highs[row]) << 64 | Int128(UInt64(bitPattern: lows[row])))
      state.pointee.carries &+= carries[row]
      state.pointee.count &+= counts[row] &- 1
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    let validity = sums.validity(slots, count: count) { $0.pointee.count > 0 }
    if isAverage {
      let divisor = divisor
      return sums.column(.float64, slots, count: count, validity: validity) {
        $0.pointee.double / (Double($0.pointee.count) * divisor)
      }
    }
    for row in 0..<count where !sums.base[Int(slots[row])].fits { throw failure() }
    return sums.column(resultType, slots, count: count, validity: validity) { $0.pointee.sum }
  }

  private func failure() -> Failure {
    Failure(
      .data,
      "sum: a sum of more than 38 digits does not fit \(resultType); cast the argument to float64, or sum smaller values"
    )
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    [
      sums.column(.int64, slots, count: count) { $0.pointee.carries },
      sums.column(.int64, slots, count: count) { Int64(truncatingIfNeeded: $0.pointee.sum >> 64) },
      sums.column(.int64, slots, count: count) { Int64(truncatingIfNeeded: $0.pointee.sum) },
      sums.column(.int64, slots, count: count) { $0.pointee.count },
    ]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { sums.reset(slots, count: count) }

  func removeAll() { sums.removeAll() }
}
