import Volley

/// The columns of every input, whatever its format. All may be null but `id`.
let columns = Schema([
  Field("id", .int64, nullable: false), Field("k", .utf8), Field("i32", .int32), Field("i64", .int64),
  Field("f", .float64), Field("g", .float64), Field("s", .utf8), Field("b", .bool), Field("t", .timestamp),
])

/// Files of either format with these columns.
func files(_ format: String, _ paths: String) -> Source {
  format == "csv" ? .csv(paths, schema: columns) : .jsonLines(paths, schema: columns)
}
