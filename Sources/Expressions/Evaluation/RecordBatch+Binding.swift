import Arrow

extension RecordBatch {
  /// Kernels read memory by the types that an expression was bound to, so the batch's must be these.
  func requireColumns(of schema: Schema) {
    precondition(columns.count == schema.fields.count, "a batch has the columns that its expressions were bound to")
    for (column, field) in zip(columns, schema.fields) {
      precondition(column.type == field.type, "a batch's columns have the types that its expressions were bound to")
    }
  }
}
