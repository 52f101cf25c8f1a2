import Base
import Glibc
import VolleyPlan

/// Text lines, each the value of the one `utf8` column. A line end is a line feed, with or without a carriage return before
/// it; an empty line is an empty string.
final class LinesDecoder: RecordDecoder {
  static let format = "lines"
  private let column: Field

  init(column: Field) { self.column = column }

  func beginFile(_ path: String) {}

  func decode(_ window: ByteWindow, into table: ColumnTable, maxRows: Int) -> DecodeOutcome {
    let begin = window.first
    let limit = window.limit
    let owned = window.ownedLimit
    let slot = table.slots
    var at = begin
    var lines = 0
    defer { window.advance(at - begin, lines: lines) }
    while at < owned {
      if table.rows == maxRows || table.consumed >= ColumnTable.byteLimit { return .full }
      // The line feed behind the content is always found.
      guard let found = memchr(at, 10, limit - at + 1) else { break }
      let end = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
      if end == limit, !window.isAtEnd { return .needsMore }
      let next = end == limit ? end : end + 1
      let count = end - at - (end > at && end[-1] == 13 ? 1 : 0)
      if end - at > window.maxRecordBytes || !isUTF8(at, count) {
        let reason =
          end - at > window.maxRecordBytes
          ? tooLong(end - at, window.maxRecordBytes) : "column '\(column.name)': \(quoted(at, count)) is not UTF-8"
        return .bad(BadSpan(reason: reason, length: count, advance: next - at, lines: next - end))
      }
      table.reserveRow(limit: maxRows)
      if slot.pointee.bytesUsed + count > slot.pointee.bytesCapacity { table.growText(0, by: count) }
      memcpy(slot.pointee.bytes + slot.pointee.bytesUsed, at, count)
      slot.pointee.bytesUsed += count
      slot.pointee.endText(table.rows)
      table.endRow(bytes: next - at)
      lines += next - end
      at = next
    }
    return .needsMore
  }
}

/// The reason for a record beyond the bound.
func tooLong(_ count: Int, _ maximum: Int) -> String {
  "the record has \(count) bytes, more than the \(maximum) that 'maxRecordBytes' allows"
}
