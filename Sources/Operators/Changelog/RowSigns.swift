import Arrow
import Base
import VolleyPlan

/// What the rows of a changelog do: 1 for one that comes to be ("+I", "+U"), -1 for one that no longer holds ("-U", "-D").
struct RowSigns {
  private let buffer: Buffer
  let count: Int

  /// - Parameter kinds: the column `row_kind`, of text.
  /// - Throws: a `data` failure when a row has no kind that there is.
  init(_ kinds: Column) throws(Failure) {
    count = kinds.length
    buffer = Buffer(byteCount: max(8, count * 8))
    let signs = buffer.unsafeMutableValues(Int64.self)
    for row in 0..<count {
      let text = kinds.utf8(at: row)
      guard kinds.isValid(row), text.count == 2, text[0] == UInt8(ascii: "+") || text[0] == UInt8(ascii: "-") else {
        throw Failure(
          .data,
          "a row's '\(Plan.rowKindColumn)' is \(kinds.isValid(row) ? "'\(kinds.text(at: row))'" : "null"), and must be +I, -U, +U or -D"
        )
      }
      signs[row] = text[0] == UInt8(ascii: "+") ? 1 : -1
    }
  }

  /// Valid as long as this value is held.
  var pointer: UnsafePointer<Int64> { buffer.values(Int64.self) }
}
