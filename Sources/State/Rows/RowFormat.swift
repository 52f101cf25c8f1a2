import Arrow
import Keys
import VolleyPlan

/// How the rows of a store are entries of a table, known before there are any.
///
/// An entry: the key; the row's number in the sequence of those of its store, by which a key's rows are in the order in which they came; the
/// row's columns, but for those that the key has; then facts about the row that the store's owner knows.
public struct RowFormat: Sendable {
  public let table: StateTable
  /// Of the store's rows.
  let schema: Schema
  /// By column of the table's key: the column of the rows; nil: they do not have it.
  let keys: [Int]?
  /// The columns of the rows that are values.
  let kept: [Int]
  private let factCount: Int

  /// - Parameters:
  ///   - key: by which rows are shared out among subtasks; none for the scope `subtask`.
  ///   - keyColumns: the columns of `rows` that are the key; nil: it is not among them.
  ///   - facts: what entries say of a row beside its columns.
  public init(
    _ name: String, scope: StateTable.Scope = .key, key: [Field], rows: Schema, keyColumns: [Int]?, facts: [Field] = []
  ) {
    precondition(keyColumns == nil || keyColumns?.count == key.count, "each column of the key is one of the rows")
    schema = rows
    keys = keyColumns
    kept = rows.fields.indices.filter { column in
      guard let place = keyColumns?.firstIndex(of: column) else { return true }
      return !Self.isExact(key[place].type)
    }
    factCount = facts.count
    // A column whose key is only equal to it has another name than the key.
    let values = kept.map { column in
      var field = rows.fields[column]
      if keyColumns?.contains(column) == true { field.name = "$\(field.name)" }
      return field
    }
    table = StateTable(
      name, scope: scope, key: key, namespace: [Field("$row", .uint64, nullable: false)], value: values + facts)
  }

  /// Whether keys of that type that are equal are the same: not so of 0.0 and -0.0.
  public static func isExact(_ type: DataType) -> Bool {
    switch KeyColumn.plainType(type) {
    case .float16, .float32, .float64: false
    default: true
    }
  }

  /// The rows that entries tell of, to be appended to a store in their order and told to `RowStore.setRestored`.
  public func rows(of entries: RecordBatch) -> RestoredRows {
    let keyCount = table.key.count
    let keyColumns = Array(entries.columns.prefix(keyCount))
    let values = entries.columns.dropFirst(keyCount + 1)
    var columns: [Column] = []
    for column in schema.fields.indices {
      if let place = kept.firstIndex(of: column) {
        columns.append(values[values.startIndex + place])
      } else if let place = keys?.firstIndex(of: column) {
        columns.append(keyColumns[place])
      }
    }
    return RestoredRows(
      keys: keyColumns, rows: RecordBatch(schema: schema, columns: columns, length: entries.length),
      sequences: entries.columns[keyCount], facts: Array(values.suffix(factCount)))
  }
}

/// Rows that a store had before.
public struct RestoredRows {
  /// The table's key.
  public var keys: [Column]
  public var rows: RecordBatch
  /// Their numbers, for `RowStore.setRestored`.
  fileprivate let sequenceColumn: Column
  public var facts: [Column]

  fileprivate init(keys: [Column], rows: RecordBatch, sequences: Column, facts: [Column]) {
    self.keys = keys
    self.rows = rows
    sequenceColumn = sequences
    self.facts = facts
  }

  /// Valid as long as this value is held.
  public var sequences: UnsafePointer<UInt64> { sequenceColumn.values(UInt64.self) }
}
