/// Appends values to a column of a `BatchBuilder`, until that batch is emitted.
public struct ColumnBuilder<Value: ColumnValue> {
  @usableFromInline let column: OutputColumn
  @usableFromInline var writer: Value.Writer

  init(_ column: OutputColumn) {
    self.column = column
    writer = Value.Writer(column)
  }

  @inlinable public var count: Int { column.count }

  @inlinable
  public mutating func append(_ value: Value) {
    makeRoom()
    writer.put(value, column.count)
    column.finish(count: column.count + 1, nullCount: column.nullCount)
  }

  /// Appends a value, or a null.
  @inlinable
  public mutating func append(_ value: Value?) {
    if let value { append(value) } else { appendNull() }
  }

  @inlinable
  public mutating func appendNull() {
    makeRoom()
    writer.putDefault(column.count)
    Bits.set(column.unsafeValidity(), column.count, false)
    column.finish(count: column.count + 1, nullCount: column.nullCount + 1)
  }

  @inlinable
  public mutating func append(contentsOf values: some Sequence<Value>) {
    for value in values { append(value) }
  }

  @usableFromInline
  mutating func makeRoom() {
    column.reserve(column.count + 1)
    // The memory may have moved, here or through another builder of the same column.
    writer = Value.Writer(column)
  }
}

extension ColumnBuilder where Value: BitwiseCopyable, Value.Writer == FixedWriter<Value> {
  /// Appends `count` rows of zero bytes and gives their memory, for loops that write them without checks. It is not to be
  /// used after anything else was appended to the column, or after the batch was emitted.
  @inlinable
  public mutating func unsafeAppend(count: Int) -> UnsafeMutableBufferPointer<Value> {
    let first = column.count
    column.appendDefaults(upTo: first + count)
    let start = column.unsafeValues.assumingMemoryBound(to: Value.self) + first
    return UnsafeMutableBufferPointer(start: start, count: count)
  }
}

extension ColumnBuilder where Value == String {
  /// Appends a text by its bytes, which must be UTF-8, without making a `String` of it.
  @inlinable
  public mutating func append(utf8 bytes: UnsafeRawBufferPointer) {
    column.reserve(column.count + 1)
    column.putBytes(bytes, column.count)
    column.finish(count: column.count + 1, nullCount: column.nullCount)
  }
}
