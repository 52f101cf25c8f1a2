import Arrow
import VolleyPlan

/// Batches of one Int64 column, which is all that the tests of this room need.
enum Rows {
  static let schema = Schema([Field("id", .int64, nullable: false)])

  static func batch(_ ids: some Collection<Int64>) -> RecordBatch {
    let builder = FixedBuilder<Int64>(.int64, capacity: ids.count)
    for id in ids { builder.append(id) }
    return RecordBatch(schema: schema, columns: [builder.finish()], length: ids.count)
  }

  /// The rows that count.
  static func ids(_ batch: RecordBatch) -> [Int64] {
    let column = batch.compactedColumn(0)
    return Array(UnsafeBufferPointer(start: column.values(Int64.self), count: batch.rowCount))
  }

  /// The batch with a selection of the rows whose id fits.
  static func filter(_ batch: RecordBatch, _ keep: (Int64) -> Bool) -> RecordBatch {
    let values = batch.columns[0].values(Int64.self)
    let candidates =
      batch.selection.map { selection in (0..<selection.count).map { Int(selection.rows[$0]) } }
      ?? Array(0..<batch.length)
    let rows = candidates.filter { keep(values[$0]) }
    let indices = Buffer(byteCount: rows.count * 4)
    let target = indices.unsafeMutableValues(UInt32.self)
    for (index, row) in rows.enumerated() { target[index] = UInt32(row) }
    var result = batch
    result.selection = Selection(indices: indices, count: rows.count)
    return result
  }
}

extension Rows {
  // Written once, before anybody sees it.
  nonisolated(unsafe) private static let word: UnsafeMutableRawPointer = {
    let word = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    word.storeBytes(of: 0, as: Int64.self)
    return word
  }()

  /// A batch of one row whose memory keeps `owner` alive.
  static func foreignBatch(owner: AnyObject) -> RecordBatch {
    let column = Column(
      type: .int64, length: 1, validity: nil, buffers: [Buffer(foreign: word, byteCount: 8, owner: owner)])
    return RecordBatch(schema: schema, columns: [column], length: 1)
  }
}
