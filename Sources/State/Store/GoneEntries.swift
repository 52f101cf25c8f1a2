import Arrow
import Base

/// The addresses of entries of one table that are gone, until changes are taken.
public struct GoneEntries {
  private let address: Schema
  private var parts: [RecordBatch] = []
  /// Bytes of memory that it holds.
  public private(set) var byteCount = 0

  public init(_ table: StateTable) { address = table.address }

  public var isEmpty: Bool { parts.isEmpty }

  /// - Parameter columns: key and namespace of each entry.
  public mutating func add(_ columns: [Column], count: Int) {
    if count == 0 { return }
    let part = RecordBatch(schema: address, columns: columns, length: count)
    byteCount += part.byteCount
    parts.append(part)
  }

  /// Gives them to `changes`. To be called before the entries that are put: one that was removed may be there again.
  public mutating func take(into changes: inout StateChanges, table: Int) throws(Failure) {
    var rest = parts[...]
    parts = []
    byteCount = 0
    while !rest.isEmpty {
      // Few large parts, though none that could outgrow what a column of text holds.
      var (count, rows) = (0, 0)
      while count < rest.count, count == 0 || rows + rest[rest.startIndex + count].length <= SlotChanges.blockSlots {
        rows += rest[rest.startIndex + count].length
        count += 1
      }
      changes.remove(try RecordBatch.concatenate(Array(rest.prefix(count))), table: table)
      rest = rest.dropFirst(count)
    }
  }
}
