import Arrow
import Base
import VolleyPlan

/// The rows of `bench columns`: the same for the same number of rows, in batches, and as a file that others can read.
struct ColumnsData {
  static let schema = Schema([
    Field("a", .int64, nullable: false), Field("b", .int64, nullable: false), Field("x", .float64, nullable: false),
    Field("y", .float64, nullable: false), Field("k1k", .int64, nullable: false),
    Field("k1m", .int64, nullable: false), Field("user", .utf8, nullable: false),
    Field("path", .utf8, nullable: false), Field("ts", .timestamp, nullable: false),
  ])

  let batches: [RecordBatch]
  var rows: Int { batches.reduce(0) { $0 + $1.length } }

  /// - Parameter rows: rounded up to whole batches.
  init(rows: Int) {
    var random = SplitMix64(state: 7)
    let count = max(1, (rows + BenchData.batchRows - 1) / BenchData.batchRows)
    batches = (0..<count).map { _ in Self.batch(BenchData.batchRows, &random) }
  }

  private static func batch(_ rows: Int, _ random: inout SplitMix64) -> RecordBatch {
    let columns = [
      words(.int64, rows, &random) { $0 >> 32 },
      words(.int64, rows, &random) { $0 >> 32 },
      words(.float64, rows, &random) { (Double($0 >> 11) * 0x1p-53).bitPattern },
      words(.float64, rows, &random) { (Double($0 >> 11) * 0x1p-53).bitPattern },
      words(.int64, rows, &random) { $0 % 1_000 },
      words(.int64, rows, &random) { $0 % 1_000_000 },
      texts(rows, &random) { value in "user-" + digits(value % 10_000, 7) },
      texts(rows, &random) { value in
        let middle = value % 10 == 0 ? "checkout" : "products"
        return "/shop/\(middle)/" + digits(value >> 8 % 1_000_000, 7) + "/item?ref=" + digits(value >> 40, 8)
      },
      // Three years from 2024 on, in microseconds.
      words(.timestamp, rows, &random) { 1_704_067_200_000_000 + $0 % 94_608_000_000_000 },
    ]
    return RecordBatch(schema: schema, columns: columns, length: rows)
  }

  private static func words(
    _ type: DataType, _ rows: Int, _ random: inout SplitMix64, _ make: (UInt64) -> UInt64
  ) -> Column {
    let buffer = Buffer(byteCount: rows * 8)
    let values = buffer.unsafeMutableValues(UInt64.self)
    for row in 0..<rows { values[row] = make(random.next()) }
    return Column(type: type, length: rows, validity: nil, buffers: [buffer])
  }

  private static func texts(_ rows: Int, _ random: inout SplitMix64, _ make: (UInt64) -> String) -> Column {
    let builder = Utf8Builder(capacity: rows)
    for _ in 0..<rows { builder.append(make(random.next())) }
    return builder.finish()
  }

  /// A number with zeros before it.
  private static func digits(_ value: UInt64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text.suffix(width)
  }
}
