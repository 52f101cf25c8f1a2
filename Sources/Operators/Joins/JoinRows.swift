import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// Rows of one input of a join, of which a row of its output is put together.
enum JoinPart {
  /// The rows of a batch without a selection, as they are.
  case whole(RecordBatch)
  /// Rows of a batch without a selection, by index.
  case chosen(RecordBatch, Selection)
  /// Rows that are kept, by number; `RowStore.missing` is a row of nulls.
  case stored(RowStore, Selection)
  /// Nulls.
  case none

  /// Of rows of either, those that `rows` names.
  func selecting(_ rows: Selection) -> JoinPart {
    switch self {
    case .whole(let batch): .chosen(batch, rows)
    case .chosen(let batch, let former): .chosen(batch, former.selecting(rows))
    case .stored(let store, let numbers): .stored(store, numbers.selecting(rows))
    case .none: .none
    }
  }
}

/// Puts columns together from rows of the inputs: of each input all columns at once, since a row that is kept lies in
/// one piece.
struct JoinRows {
  let columns: [JoinColumn]
  private let fields: [Field]

  init(_ columns: [JoinColumn]) {
    self.columns = columns
    fields = columns.map(\.field)
  }

  var isEmpty: Bool { columns.isEmpty }

  /// - Parameter parts: by input, `count` rows each. A column that several inputs have comes from the first that has
  ///   rows.
  func columns(_ parts: [JoinPart], count: Int) throws(Failure) -> [Column] {
    var wanted = [[Int]](repeating: [], count: parts.count)
    var places: [(input: Int, place: Int)?] = []
    places.reserveCapacity(columns.count)
    for column in columns {
      let input = parts.indices.first { index in
        if case .none = parts[index] { return false }
        return column.sources[index] != nil
      }
      guard let input, let index = column.sources[input] else {
        places.append(nil)
        continue
      }
      places.append((input, wanted[input].count))
      wanted[input].append(index)
    }
    var found: [[Column]] = []
    for (part, indices) in zip(parts, wanted) {
      found.append(indices.isEmpty ? [] : try Self.columns(part, indices, count))
    }
    return zip(places, fields).map { place, field in
      place.map { found[$0.input][$0.place] } ?? Column.nulls(field.type, count: count)
    }
  }

  private static func columns(
    _ part: JoinPart, _ indices: [Int], _ count: Int
  ) throws(Failure) -> [Column] {
    switch part {
    case .whole(let batch): return indices.map { batch.columns[$0] }
    case .chosen(let batch, let rows): return indices.map { batch.columns[$0].gather(rows) }
    case .stored(let store, let numbers):
      defer { withExtendedLifetime(numbers) {} }
      return try store.columns(of: numbers.rows, count: count, indices)
    case .none: return []
    }
  }
}

/// What a join emits: rows of the output, or of a changelog of it.
struct JoinOutput {
  private let schema: Schema
  private let rows: JoinRows
  private let isChangelog: Bool

  init(_ layout: JoinLayout) {
    schema = layout.schema
    isChangelog = layout.isChangelog
    rows = JoinRows(layout.output)
  }

  /// New rows whose columns are put together as they are read: `count` of them.
  func rows(_ parts: [JoinPart], count: Int) -> any DeferredRows {
    precondition(!isChangelog, "rows that revise others say so")
    return JoinedRows(schema: schema, columns: rows.columns, parts: parts, count: count)
  }

  /// - Parameter more: columns behind those of the inputs.
  func batch(
    _ parts: [JoinPart], count: Int, _ kind: RowKind = .insert, more: [Column] = []
  ) throws(Failure) -> RecordBatch {
    var columns = try rows.columns(parts, count: count) + more
    if isChangelog { columns.insert(.constant(.utf8(kind.rawValue), count: count), at: 0) }
    return RecordBatch(schema: schema, columns: columns, length: count)
  }
}

/// Rows of a join's output that are put together as they are read. Valid until a row of a part is removed.
private final class JoinedRows: DeferredRows {
  let schema: Schema
  let rowCount: Int
  private let columns: [JoinColumn]
  private let parts: [JoinPart]
  private(set) var gatheredBytes = 0

  init(schema: Schema, columns: [JoinColumn], parts: [JoinPart], count: Int) {
    self.schema = schema
    self.columns = columns
    self.parts = parts
    rowCount = count
  }

  func gathered(_ indices: [Int], of rows: Selection?) throws(Failure) -> [Column] {
    let rowsOfColumns = JoinRows(indices.map { columns[$0] })
    let found: [Column]
    if let rows {
      found = try rowsOfColumns.columns(Self.selecting(rows, parts), count: rows.count)
    } else {
      found = try rowsOfColumns.columns(parts, count: rowCount)
    }
    for column in found { gatheredBytes += column.byteCount }
    return found
  }

  private static func selecting(_ rows: Selection, _ parts: [JoinPart]) -> [JoinPart] {
    parts.map { $0.selecting(rows) }
  }
}
