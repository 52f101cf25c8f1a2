/// An exact sum of integers in 128 bits: 2^63 values of 64 bits fit.
struct WideSum: BitwiseCopyable {
  var low: UInt64
  var high: Int64

  static let zero = WideSum(low: 0, high: 0)

  /// - Parameter value: of 64 bits at most.
  @inline(__always)  // Part of the loop over the rows, where the conversion is one instruction or none.
  init<Value: FixedWidthInteger>(_ value: Value) {
    low = UInt64(truncatingIfNeeded: value)
    high = value < 0 ? -1 : 0
  }

  init(low: UInt64, high: Int64) {
    self.low = low
    self.high = high
  }

  @inline(__always)  // As above.
  mutating func add(_ other: WideSum) {
    let (sum, carry) = low.addingReportingOverflow(other.low)
    low = sum
    high = high &+ other.high &+ (carry ? 1 : 0)
  }

  var value: Int128 { Int128(high) << 64 | Int128(low) }

  /// The nearest Double. Most sums fit 64 bits; converting 128 takes 500 times as long.
  var double: Double {
    let short = Int64(bitPattern: low)
    return high == short >> 63 ? Double(short) : Double(value)
  }

  var fitsInt64: Bool { high == Int64(bitPattern: low) >> 63 }
  var fitsUInt64: Bool { high == 0 }
}
