import VolleyPlan

/// A column of a batch, read as `Value`. Valid as long as the batch.
public struct ColumnView<Value: ColumnValue> {
  @usableFromInline let column: InputColumn
  @usableFromInline let reader: Value.Reader
  @usableFromInline let batch: Batch

  init(_ column: InputColumn, of batch: Batch) {
    self.column = column
    reader = Value.Reader(column)
    self.batch = batch
  }

  @inlinable public var count: Int { column.length }
  @inlinable public var nullCount: Int { column.nullCount }

  /// The value of a row, nil for a null.
  @inlinable
  public subscript(row: Int) -> Value? {
    precondition(row >= 0 && row < column.length, "row \(row) is outside the batch")
    return column.validity[row] ? reader[row] : nil
  }

  @inlinable
  public func isNull(_ row: Int) -> Bool { !column.validity[row] }
}

extension ColumnView where Value: BitwiseCopyable, Value.Reader == FixedReader<Value> {
  /// The values in memory, for loops without checks; what stands at a null is undefined. Not to be used after the closure.
  @inlinable
  public func withUnsafeValues<Result, E: Error>(
    _ body: (UnsafeBufferPointer<Value>) throws(E) -> Result
  ) throws(E) -> Result {
    defer { withExtendedLifetime(batch) {} }
    return try body(UnsafeBufferPointer(start: reader.base, count: column.length))
  }
}
