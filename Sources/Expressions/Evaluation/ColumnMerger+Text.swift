import Arrow
import Base
import Glibc
import VolleyPlan

extension ColumnMerger {
  /// The offsets and bytes of merged strings: lengths first, then each part's bytes to their places.
  static func text(_ parts: [Part], _ count: Int) throws(Failure) -> [Buffer] {
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    (ends).update(repeating: 0, count: count + 1)
    for part in parts {
      forEachText(part) { row, text in ends[row &+ 1] = Int32(truncatingIfNeeded: text.count) }
    }
    var end = 0
    for row in 0..<count {
      end &+= Int(ends[row &+ 1])
      ends[row &+ 1] = Int32(truncatingIfNeeded: end)
    }
    guard end <= Int(Int32.max) else {
      throw Failure(
        .data, "case: the texts of one batch take \(end) bytes, and 2147483647 fit; use smaller batches (--batch-rows)")
    }
    let bytes = Buffer(byteCount: end)
    let target = bytes.unsafeMutableValues(UInt8.self)
    for part in parts {
      forEachText(part) { row, text in
        if let start = text.baseAddress { memcpy(target + Int(ends[row]), start, text.count) }
      }
    }
    return [offsets, bytes]
  }

  /// The strings of the part's rows; null rows have one as well, of which only the length counts.
  @inline(__always)  // So that the closure is part of the loop.
  private static func forEachText(_ part: Part, _ body: (_ row: Int, _ text: UnsafeBufferPointer<UInt8>) -> Void) {
    let rows = part.rows.rows
    switch part.values {
    case .dense(let column):
      let input = TextInput(column)
      for index in 0..<part.rows.count { body(Int(rows[index]), input[index]) }
    case .inPlace(let column):
      let input = TextInput(column)
      for index in 0..<part.rows.count { body(Int(rows[index]), input[Int(rows[index])]) }
    case .constant(.null): break
    case .constant(let literal):
      literal.withBytes { text in
        for index in 0..<part.rows.count { body(Int(rows[index]), text) }
      }
    }
  }
}
