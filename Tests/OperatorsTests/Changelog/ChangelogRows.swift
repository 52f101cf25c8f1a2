import Arrow
import Base
import TestSupport
import VolleyPlan

@testable import Operators

/// A batch of literals, row by row.
func literalBatch(_ schema: Schema, _ rows: [[Literal]]) -> RecordBatch {
  let builders = schema.fields.map { ColumnBuilder($0.type) }
  for row in rows { for (builder, value) in zip(builders, row) { builder.append(value) } }
  return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: rows.count)
}

/// Rows as texts: values with blanks between them.
func texts(_ collected: Collected) -> [String] {
  collected.batches.flatMap { batch in
    (0..<batch.length).map { row in
      batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " ")
    }
  }
}

/// Rows that come and go: of those that are there any may leave, and now and then one leaves before it comes.
struct ChangingRows {
  static let schema = Schema([
    Field(Plan.rowKindColumn, .utf8, nullable: false), Field("k", .int64), Field("i", .int32), Field("l", .int64),
    Field("f", .float64), Field("b", .bool), Field("s", .utf8), Field("ts", .timestamp),
  ])

  private(set) var live: [[Literal]] = []
  /// Those that have left, and come in the next batch.
  private var owed: [[Literal]] = []

  /// The next rows, and whether all that have left had come.
  mutating func next(_ count: Int, growing: Bool, _ random: inout SeededGenerator) -> RecordBatch {
    var rows = owed.map { [.utf8("+I")] + $0 }
    owed = []
    for _ in 0..<count {
      let kind = Bool.random(using: &random)
      if !live.isEmpty, Int.random(in: 0..<10, using: &random) < (growing ? 3 : 7) {
        let row = live.remove(at: Int.random(in: 0..<live.count, using: &random))
        rows.append([.utf8(kind ? "-U" : "-D")] + row)
      } else {
        let row = Self.schema.fields.dropFirst().map { field in
          randomLiteral(field.type, distinct: field.name == "k" ? 4 : 9, &random)
        }
        if Int.random(in: 0..<12, using: &random) == 0 {
          rows.append([.utf8("-U")] + row)
          owed.append(row)
        } else {
          live.append(row)
          rows.append([.utf8(kind ? "+U" : "+I")] + row)
        }
      }
    }
    return literalBatch(Self.schema, rows)
  }

  /// What has left and has not come yet, comes.
  mutating func settle() -> RecordBatch {
    defer { owed = [] }
    return literalBatch(Self.schema, owed.map { [.utf8("+U")] + $0 })
  }

  /// The rows that are there.
  var rows: [[Value]] { rowValues(literalBatch(Schema(Array(Self.schema.fields.dropFirst())), live)) }
}
