import Arrow
import Base
import VolleyPlan

/// Which columns of an Arrow file or stream a source takes.
struct ArrowColumns {
  private let schema: Schema
  /// By column of the source: the file's column.
  private let indices: [Int]

  /// - Throws: `data` when the file lacks a column, or has it of another type.
  init(_ schema: Schema, in found: [Field], of path: String) throws(Failure) {
    self.schema = schema
    var indices: [Int] = []
    for field in schema.fields {
      guard let index = found.firstIndex(where: { $0.name == field.name }) else {
        let hint = nearestName(to: field.name, among: found.map(\.name)).map { "; perhaps '\($0)' is meant" } ?? ""
        throw Failure(
          .data,
          "\(path): has no column '\(field.name)', it has \(found.prefix(20).map { "'\($0.name)'" }.joined(separator: ", "))\(hint)"
        )
      }
      guard found[(index + 1)...].allSatisfy({ $0.name != field.name }) else {
        throw Failure(
          .data,
          "\(path): has several columns named '\(field.name)'; write it with a name for each, or leave them out of the schema"
        )
      }
      guard found[index].type == field.type else {
        throw Failure(
          .data,
          "\(path): the column '\(field.name)' is \(found[index].type), and the schema says \(field.type); correct the schema"
        )
      }
      indices.append(index)
    }
    self.indices = indices
  }

  /// - Throws: `data` when a column that may not be null is.
  func take(_ batch: RecordBatch, of path: String) throws(Failure) -> RecordBatch {
    let columns = indices.map { batch.columns[$0] }
    for (field, column) in zip(schema.fields, columns) where !field.nullable && column.nullCount > 0 {
      throw Failure(.data, "\(path): the column '\(field.name)' has nulls, and the schema says that it is not nullable")
    }
    return RecordBatch(schema: schema, columns: columns, length: batch.length)
  }
}
