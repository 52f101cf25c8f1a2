import Arrow
import VolleyPlan

/// What a row of a changelog says of the row that it stands for.
enum RowKind: String {
  case insert = "+I"
  case updateBefore = "-U"
  case updateAfter = "+U"
  case delete = "-D"
}

/// Makes a window operator's results: `row_kind` if results are revised, key columns, `window_start`, `window_end`,
/// aggregates.
struct WindowRows {
  private let schema: Schema
  private let isChangelog: Bool

  /// Rows of a batch of results at the most.
  static let batchRows = 8_192

  init(_ schema: Schema) {
    self.schema = schema
    isChangelog = schema.fields.first?.name == Plan.rowKindColumn
  }

  /// Results of one window.
  func batch(
    _ span: WindowSpan, keys: [Column], results: [Column], count: Int, kind: RowKind = .insert
  ) -> RecordBatch {
    batch(
      keys: keys, start: Self.constant(span.start, count), end: Self.constant(span.end, count), results: results,
      count: count, kind: kind)
  }

  /// Results of which each has its own window: starts and ends of 8 bytes.
  func batch(
    keys: [Column], start: Buffer, end: Buffer, results: [Column], count: Int, kind: RowKind = .insert
  ) -> RecordBatch {
    var columns: [Column] = []
    if isChangelog { columns.append(.constant(.utf8(kind.rawValue), count: count)) }
    columns += keys
    for bound in [start, end] {
      let type = schema.fields[columns.count].type
      columns.append(Column(type: type, length: count, validity: nil, buffers: [bound]))
    }
    return RecordBatch(schema: schema, columns: columns + results, length: count)
  }

  /// As many values of 8 bytes.
  static func constant(_ value: Int64, _ count: Int) -> Buffer {
    let buffer = Buffer(byteCount: count * 8)
    buffer.unsafeMutableValues(Int64.self).update(repeating: value, count: count)
    return buffer
  }
}
