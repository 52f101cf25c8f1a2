/// Columns of equal length, and possibly a selection of their rows.
///
/// On a channel, at a plugin's boundary and in a sink a batch has no selection; inside a chain an operator may hand one on,
/// and the next one gathers just the columns that it reads.
public struct RecordBatch: Sendable {
  public var schema: Schema
  public var columns: [Column]
  /// Rows of the columns, selected or not.
  public var length: Int
  public var selection: Selection?

  public init(schema: Schema, columns: [Column], length: Int, selection: Selection? = nil) {
    precondition(columns.count == schema.fields.count, "a batch has a column for each field")
    for column in columns { precondition(column.length == length, "the columns of a batch are equally long") }
    self.schema = schema
    self.columns = columns
    self.length = length
    self.selection = selection
  }

  /// Rows that count: the selected ones, or all.
  public var rowCount: Int { selection?.count ?? length }

  /// Bytes of memory of all its columns.
  public var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

  /// Rows `range` of a batch without a selection, sharing its buffers.
  public func slice(_ range: Range<Int>) -> RecordBatch {
    precondition(selection == nil, "only a batch without a selection is sliced")
    return RecordBatch(schema: schema, columns: columns.map { $0.slice(range) }, length: range.count)
  }

  /// The same rows without a selection; gathers every column when there is one.
  public func compacted() -> RecordBatch {
    guard let selection else { return self }
    return RecordBatch(schema: schema, columns: columns.map { $0.gather(selection) }, length: selection.count)
  }

  /// Column `index` of the rows that count, gathered if there is a selection.
  public func compactedColumn(_ index: Int) -> Column {
    guard let selection else { return columns[index] }
    return columns[index].gather(selection)
  }
}
