import Arrow
import Base
import VolleyPlan

/// Results before and after a change, as rows of a changelog: "-U" and "+U" one behind the other, or "+I" where there
/// was none.
struct RevisionRows {
  /// By result: the key, the window and the aggregates now.
  var keys: [Column]
  var starts: Buffer
  var ends: Buffer
  var results: [Column]
  /// The same before; its values count where `wasTold`.
  var formerStarts: Buffer
  var formerEnds: Buffer
  var formerResults: [Column]
  var wasTold: [Bool]

  /// The texts of `RowKind`s by number.
  private static let kinds: Column = {
    let builder = ColumnBuilder(.utf8)
    for kind in [RowKind.insert, .updateBefore, .updateAfter, .delete] { builder.append(.utf8(kind.rawValue)) }
    return builder.finish()
  }()

  /// - Parameter schema: `row_kind`, the key columns, `window_start`, `window_end`, the aggregates.
  func batch(_ schema: Schema) throws(Failure) -> RecordBatch {
    let count = wasTold.count
    var (kinds, sources, rows): ([UInt32], [UInt32], [UInt32]) = ([], [], [])
    for (index, isUpdate) in wasTold.enumerated() {
      let row = UInt32(truncatingIfNeeded: index)
      if isUpdate {
        kinds.append(1)
        // The former ones stand in front of those of now.
        sources.append(row)
        rows.append(row)
      }
      kinds.append(isUpdate ? 2 : 0)
      sources.append(row + UInt32(truncatingIfNeeded: count))
      rows.append(row)
    }
    var columns = [Self.kinds.gather(kinds, count: kinds.count)]
    columns += keys.map { $0.gather(rows, count: rows.count) }
    for (former, now) in [(formerStarts, starts), (formerEnds, ends)] {
      let type = schema.fields[columns.count].type
      let both = try Column.concatenate([
        Column(type: type, length: count, validity: nil, buffers: [former]),
        Column(type: type, length: count, validity: nil, buffers: [now]),
      ])
      columns.append(both.gather(sources, count: sources.count))
    }
    for (former, now) in zip(formerResults, results) {
      columns.append(try Column.concatenate([former, now]).gather(sources, count: sources.count))
    }
    return RecordBatch(schema: schema, columns: columns, length: kinds.count)
  }
}
