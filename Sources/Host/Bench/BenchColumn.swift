import Arrow
import VolleyPlan

/// A column of 64-bit values, none of which is null.
///
/// - Parameter value: its bits, by row, in order.
func benchColumn(_ type: DataType, rows: Int, _ value: (_ row: Int) -> UInt64) -> Column {
  let buffer = Buffer(byteCount: rows * 8)
  let values = buffer.unsafeMutableValues(UInt64.self)
  for row in 0..<rows { values[row] = value(row) }
  return Column(type: type, length: rows, validity: nil, buffers: [buffer])
}

/// Times that follow each other, one a microsecond.
func benchTimes(from first: Int64, rows: Int) -> Column {
  benchColumn(.timestamp(.microsecond, timezone: nil), rows: rows) { UInt64(bitPattern: first &+ Int64($0)) }
}

/// One of so many keys with equal chance, spread over all 64 bits.
func benchKey(among count: Int, _ random: inout SplitMix64) -> UInt64 {
  random.next().multipliedFullWidth(by: UInt64(count)).high &* 0x9E37_79B9_7F4A_7C15
}
