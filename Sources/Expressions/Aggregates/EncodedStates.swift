import Arrow
import Base
import VolleyPlan

/// Encoded sketches in a binary column.
enum EncodedStates {
  /// - Parameters:
  ///   - byteCount: how many bytes a row takes.
  ///   - write: writes a row's bytes.
  static func column(
    count: Int, byteCount: (Int) -> Int, write: (Int, UnsafeMutableRawPointer) -> Void
  ) throws(Failure) -> Column {
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    ends[0] = 0
    var end = 0
    for row in 0..<count {
      end += byteCount(row)
      ends[row + 1] = Int32(truncatingIfNeeded: end)
    }
    guard end <= Int(Int32.max) else { throw ColumnTooLong.failure(.binary) }
    let bytes = Buffer(byteCount: end)
    for row in 0..<count { write(row, bytes.unsafeMutableAddress + Int(ends[row])) }
    return Column(type: .binary, length: count, validity: nil, buffers: [offsets, bytes])
  }
}
