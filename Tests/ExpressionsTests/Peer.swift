import Arrow
import TestSupport
import VolleyPlan

/// pyarrow and DuckDB in a Python process: evaluates Python expressions over the same columns, "a", "b", …
///
/// An expression gives a pyarrow array; `sql("…")` gives the first column of a DuckDB query over the table `t` with a
/// column `row` that counts its rows. Float64s cross as their bits, so that values are compared exactly.
enum Peer {
  struct Failed: Error, CustomStringConvertible { var description: String }

  static func evaluate(_ expressions: [String], _ columns: [Column]) throws -> [[Literal?]] {
    let document = JSONValue.object([
      .init("columns", .array(columns.map(encoded))),
      .init("expressions", .array(expressions.map { .string($0) })),
    ])
    let outcome = TestProcess.python(program, input: document.text)
    guard outcome.status == 0 else {
      throw Failed(
        description: "python3 with pyarrow and duckdb is needed (pip install pyarrow duckdb pytz): \(outcome.errors)")
    }
    guard case .array(let results) = try JSONValue.parse(outcome.output) else {
      throw Failed(description: "unexpected output: \(outcome.output)")
    }
    return try results.map(decoded)
  }

  private static func encoded(_ column: Column) -> JSONValue {
    let values = column.rows.map { row -> JSONValue in
      switch row {
      case nil, .null: .null
      case .bool(let value): .bool(value)
      case .int32(let value): .int(Int64(value))
      case .int64(let value), .timestamp(let value, _, _): .int(value)
      case .float64(let value): .int(Int64(bitPattern: value.bitPattern))
      case .utf8(let value): .string(value)
      default: preconditionFailure("wide types cross through ArrowPeer")
      }
    }
    return .object([.init("type", .string(name(column.type))), .init("values", .array(values))])
  }

  private static func name(_ type: DataType) -> String {
    if case .timestamp(let unit, let zone) = type {
      "timestamp/\(unit.rawValue)/\(zone ?? "")"
    } else {
      type.description
    }
  }

  private static func decoded(_ result: JSONValue) throws -> [Literal?] {
    guard case .string(let type) = result["type"], case .array(let values) = result["values"] else {
      throw Failed(description: "unexpected result: \(result.text)")
    }
    return try values.map { value -> Literal? in
      switch (type, value) {
      case (_, .null): return nil
      case ("bool", .bool(let value)): return .bool(value)
      case ("int32", .int(let value)): return .int32(Int32(value))
      case ("int64", .int(let value)): return .int64(value)
      case ("double", .int(let value)): return .float64(Double(bitPattern: UInt64(bitPattern: value)))
      case ("string", .string(let value)): return .utf8(value)
      default:
        let parts = type.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let unit = TimeUnit(rawValue: parts[1]), case .int(let count) = value else {
          throw Failed(description: "unexpected value of \(type): \(value.text)")
        }
        return .timestamp(count, unit, timezone: parts[2].isEmpty ? nil : parts[2])
      }
    }
  }

  private static let program = """
    import sys, json, struct
    import pyarrow as pa, pyarrow.compute as pc, duckdb

    def arrow_type(name):
        if name.startswith("timestamp/"):
            _, unit, zone = name.split("/", 2)
            return pa.timestamp(unit, zone or None)
        types = {"bool": pa.bool_(), "int32": pa.int32(), "int64": pa.int64(), "float64": pa.float64(), "utf8": pa.string()}
        return types[name]

    def column(described):
        type, values = arrow_type(described["type"]), described["values"]
        if described["type"] == "float64":
            values = [None if v is None else struct.unpack("<d", struct.pack("<q", v))[0] for v in values]
        if pa.types.is_timestamp(type):
            return pa.array(values, pa.int64()).cast(type)
        return pa.array(values, type)

    def answer(array):
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        type = str(array.type)
        if pa.types.is_floating(array.type):
            values = [None if v is None else struct.unpack("<q", struct.pack("<d", v))[0] for v in array.to_pylist()]
        elif pa.types.is_timestamp(array.type):
            type = f"timestamp/{array.type.unit}/{array.type.tz or ''}"
            values = array.cast(pa.int64()).to_pylist()
        else:
            values = array.to_pylist()
        return {"type": type, "values": values}

    document = json.load(sys.stdin)
    columns = [column(c) for c in document["columns"]]
    names = [chr(97 + i) for i in range(len(columns))]
    t = pa.table(columns + [pa.array(range(len(columns[0])), pa.int64())], names=names + ["row"])
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.register("t", t)
    sql = lambda query: connection.execute(query).to_arrow_table().column(0)
    scope = dict(zip(names, columns)) | {"pa": pa, "pc": pc, "sql": sql, "t": t}
    print(json.dumps([answer(eval(e, scope)) for e in document["expressions"]]))
    """
}
