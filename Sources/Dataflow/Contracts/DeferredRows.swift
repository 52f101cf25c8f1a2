import Arrow
import Base

/// Rows of which each column is put together when somebody asks for it: of what a join gives, those that a ranking or a
/// filter behind it leaves out are then never copied.
///
/// Valid until the call that hands them on returns: what is kept longer is put together before.
public protocol DeferredRows {
  var schema: Schema { get }
  var rowCount: Int { get }
  /// Bytes of the columns that were put together so far.
  var gatheredBytes: Int { get }
  /// Columns of the rows that `rows` names, nil for all, in that order.
  ///
  /// - Parameter indices: of the schema's columns.
  func gathered(_ indices: [Int], of rows: Selection?) throws(Failure) -> [Column]
}

extension DeferredRows {
  /// The rows that `rows` names, nil for all, with all columns.
  public func batch(of rows: Selection? = nil) throws(Failure) -> RecordBatch {
    RecordBatch(
      schema: schema, columns: try gathered(Array(schema.fields.indices), of: rows), length: rows?.count ?? rowCount)
  }

  /// Those that `rows` names.
  public func selecting(_ rows: Selection) -> any DeferredRows { SelectedRows(all: self, rows: rows) }
}

extension RecordBatch: DeferredRows {
  public var gatheredBytes: Int { byteCount }

  public func gathered(_ indices: [Int], of rows: Selection?) throws(Failure) -> [Column] {
    let batch = rows.map { selecting($0) } ?? self
    return indices.map { batch.compactedColumn($0) }
  }
}

private struct SelectedRows: DeferredRows {
  let all: any DeferredRows
  let rows: Selection

  var schema: Schema { all.schema }
  var rowCount: Int { rows.count }
  var gatheredBytes: Int { all.gatheredBytes }

  func gathered(_ indices: [Int], of inner: Selection?) throws(Failure) -> [Column] {
    try all.gathered(indices, of: inner.map { rows.selecting($0) } ?? rows)
  }
}

/// An operator that reads some columns of its rows before it knows of which rows it needs the others.
public protocol DeferringOperator: Operator {
  /// Whether it does: one that does not gets batches. The same for its whole life.
  var defers: Bool { get }
  /// As `process` of a batch. The rows are valid until this returns.
  func process(_ rows: any DeferredRows, input: Int, to output: any Collector) throws(Failure)
}

extension DeferringOperator {
  public var defers: Bool { true }
}
