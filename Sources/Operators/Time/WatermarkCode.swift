import Arrow
import Base
import Dataflow
import VolleyPlan

/// The user's half of an `EventTimeOperator`: times of rows, and watermarks of splits. Legal order: open, (assign | advance |
/// endSplit)…, close; after a failure only close.
public protocol WatermarkCode: AnyObject {
  /// When it throws it has freed what it took: `close` does not follow.
  func open() throws(Failure)
  /// Writes the event time of each row of a split, `Int64.min` for one that has none.
  ///
  /// - Returns: the split's watermark; `Int64.min` says nothing new.
  func assign(
    _ rows: RecordBatch, split: SplitID, at now: ProcessingTime, to times: UnsafeMutablePointer<Int64>
  ) throws(Failure) -> Int64
  /// The split's watermark, asked from time to time.
  func advance(split: SplitID, at now: ProcessingTime) throws(Failure) -> Int64
  func endSplit(_ split: SplitID)
  func close() throws(Failure)
}

/// Makes a column of the times that the user's code tells.
public struct AssignedTimes {
  let code: any WatermarkCode
  private let rows: Schema
  private let columns: [Int]
  /// The column's place in what is made.
  private let place: Int
  private let schema: Schema

  /// - Parameters:
  ///   - rows: what the code takes, which is these columns of the input.
  ///   - column: the name of the times' column.
  public init(_ code: any WatermarkCode, rows: Schema, columns: [Int], column: String, input: Schema) {
    self.code = code
    self.rows = rows
    self.columns = columns
    schema = Self.schema(column, input: input)
    place = input.index(of: column) ?? input.fields.count
  }

  /// The input's columns with that of the times, in the place of one of its name or as the last one.
  public static func schema(_ column: String, input: Schema) -> Schema {
    var fields = input.fields
    let field = Field(column, .timestamp, nullable: false)
    if let index = input.index(of: column) { fields[index] = field } else { fields.append(field) }
    return Schema(fields)
  }

  /// The batch with its times, null where there is none; the split's watermark, `Int64.min` when nothing was said.
  func assign(
    _ batch: RecordBatch, split: SplitID, at now: ProcessingTime
  ) throws(Failure) -> (batch: RecordBatch, times: Column, watermark: Int64) {
    let count = batch.length
    let buffer = Buffer(byteCount: count * 8)
    let times = buffer.unsafeMutableValues(Int64.self)
    let watermark = try code.assign(
      RecordBatch(schema: rows, columns: columns.map { batch.columns[$0] }, length: count), split: split, at: now,
      to: times)
    var column = Column(type: .timestamp, length: count, validity: nil, buffers: [buffer])
    if (0..<count).contains(where: { times[$0] == .min }) {
      let builder = FixedBuilder<Int64>(.timestamp)
      for row in 0..<count { if times[row] == .min { builder.appendNull() } else { builder.append(times[row]) } }
      column = builder.finish()
    }
    var made = batch.columns
    if place < made.count { made[place] = column } else { made.append(column) }
    return (RecordBatch(schema: schema, columns: made, length: count), column, watermark)
  }
}
