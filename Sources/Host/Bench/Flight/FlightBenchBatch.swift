import Arrow
import VolleyPlan

/// The batches that are sent: four columns of 8 bytes. `PyarrowScript` makes the same.
enum FlightBenchBatch {
  static let columns = 4
  static let rowBytes = columns * 8

  /// One batch, which is sent again and again, as the limit sends one block of bytes.
  static func make(rows: Int) -> RecordBatch {
    let columns = (0..<columns).map { column in
      benchColumn(.int64, rows: rows) { row in UInt64(row * Self.columns + column) }
    }
    return RecordBatch(
      schema: Schema((0..<Self.columns).map { Field("c\($0)", .int64) }), columns: columns, length: rows)
  }

  /// What a receiver has to find in so many batches: their rows, and the sum of the first column.
  static func expected(rows: Int, count: Int) -> Checksum {
    let sum = UInt64(Self.columns * rows * (rows - 1) / 2)
    return Checksum(rows: rows * count, bits: sum &* UInt64(count))
  }

  /// As many batches as have about so many bytes of bodies.
  static func count(rows: Int, bytes: Int) -> Int { max(1, bytes / (rows * rowBytes)) }
}
