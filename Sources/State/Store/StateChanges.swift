import Arrow
import Base

/// What has changed of an operator's state since it was taken last, copied, so that the operator can go on while this is
/// encoded and written.
public struct StateChanges: Sendable {
  public enum Part: Sendable {
    /// Entries that are new or have another value; rows of `StateTable.entry`.
    case put(RecordBatch, table: Int)
    /// Entries that are gone, if they were there; rows of `StateTable.address`.
    case remove(RecordBatch, table: Int)
    /// Every entry of the table in this subtask is gone.
    case removeAll(table: Int)
  }

  /// In order: of one entry, the last word counts.
  public private(set) var parts: [Part] = []

  public init() {}

  /// - Parameter entries: without a selection; not shared with memory that the operator writes to.
  public mutating func put(_ entries: RecordBatch, table: Int) {
    if entries.length > 0 { parts.append(.put(entries, table: table)) }
  }

  /// - Parameter addresses: as for `put`.
  public mutating func remove(_ addresses: RecordBatch, table: Int) {
    if addresses.length > 0 { parts.append(.remove(addresses, table: table)) }
  }

  public mutating func removeAll(table: Int) { parts.append(.removeAll(table: table)) }

  /// Behind these, others.
  public mutating func append(_ others: StateChanges) { parts += others.parts }

  /// Bytes of all entries and addresses.
  public var byteCount: Int {
    parts.reduce(0) { total, part in
      switch part {
      case .put(let rows, _), .remove(let rows, _): total + rows.byteCount
      case .removeAll: total
      }
    }
  }
}
