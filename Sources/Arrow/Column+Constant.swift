import VolleyPlan

extension Column {
  /// The value in every row.
  public static func constant(_ value: Literal, count: Int) -> Column {
    if case .null(let type) = value { return nulls(type, count: count) }
    let builder = ColumnBuilder(value.type, capacity: count)
    builder.append(value, count: count)
    return builder.finish()
  }

  /// A null in every row; without rows, the empty column of that type.
  public static func nulls(_ type: DataType, count: Int) -> Column {
    let builder = ColumnBuilder(type, capacity: count)
    builder.appendNulls(count)
    return builder.finish()
  }
}

extension RecordBatch {
  /// No rows.
  public static func empty(_ schema: Schema) -> RecordBatch {
    RecordBatch(schema: schema, columns: schema.fields.map { Column.nulls($0.type, count: 0) }, length: 0)
  }
}
