import Arrow
import VolleyPlan

/// A batch of what kernels see: integers, floats with nulls, texts, times.
func rows(_ count: Int) -> RecordBatch {
  let fields = [
    Field("a", .int64), Field("b", .int64), Field("x", .float64), Field("path", .utf8), Field("ts", .timestamp),
  ]
  let builders = fields.map { ColumnBuilder($0.type) }
  for row in 0..<count {
    builders[0].append(.int64(Int64(row * 7 % 1000)))
    builders[1].append(.int64(Int64(row * 13 % 1000)))
    if row % 10 == 3 { builders[2].appendNull() } else { builders[2].append(.float64(Double(row % 100) / 100)) }
    builders[3].append(.utf8(row % 3 == 0 ? "/shop/checkout/\(row)" : "/shop/catalogue of many things/\(row)"))
    builders[4].append(.timestamp(Int64(row) * 1_000_003, .microsecond, timezone: nil))
  }
  return RecordBatch(schema: Schema(fields), columns: builders.map { $0.finish() }, length: count)
}

/// The same rows as text.
func text(_ count: Int, format: String) -> [UInt8] {
  var text: [UInt8] = []
  for row in 0..<count {
    let line =
      format == "csv"
      ? "\(row),\(Double(row) / 4),\"name, \(row % 50)\",2024-02-29T12:30:01Z,true\n"
      : #"{"id":\#(row),"amount":\#(Double(row) / 4),"name":"name, \#(row % 50)","at":"2024-02-29T12:30:01Z","ok":true}"#
        + "\n"
    text += line.utf8
  }
  return text
}

let textFields = [
  Field("id", .int64), Field("amount", .float64), Field("name", .utf8), Field("at", .timestamp), Field("ok", .bool),
]
