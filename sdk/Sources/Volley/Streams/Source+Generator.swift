import VolleyPlan

extension Source {
  /// Rows made up from a seed: equal seeds make equal rows.
  ///
  /// - Parameters:
  ///   - rows: how many in all; nil: without end.
  ///   - rate: rows a second in all; nil: as fast as they are taken.
  public static func generator(
    rows: Int? = nil, seed: Int = 1, rate: Int? = nil, columns: KeyValuePairs<String, GeneratedColumn>
  ) -> Source {
    var options: [JSONValue.Member] = []
    if let rows { options.append(.init("rows", .int(Int64(rows)))) }
    options.append(.init("seed", .int(Int64(seed))))
    if let rate { options.append(.init("rate", .int(Int64(rate)))) }
    options.append(
      .init("columns", .object(columns.map { name, column in .init(name, .object(column.options)) })))
    return Source(
      .connector(.init(name: "generator", options: .object(options))),
      schema: Schema(columns.map { name, column in Field(name, column.type, nullable: false) }))
  }
}

/// How a generator makes a column's values.
public struct GeneratedColumn: Sendable {
  let type: DataType
  let options: [JSONValue.Member]

  private init(_ type: DataType, _ kind: String, _ options: [JSONValue.Member]) {
    self.type = type
    self.options = [.init("kind", .string(kind))] + options
  }

  /// `start`, `start + step`, …
  public static func sequence(from start: Int = 0, step: Int = 1) -> GeneratedColumn {
    .init(.int64, "sequence", [.init("start", .int(Int64(start))), .init("step", .int(Int64(step)))])
  }

  /// Integers, each as likely as another.
  public static func uniform(_ range: ClosedRange<Int>) -> GeneratedColumn {
    .init(
      .int64, "uniform", [.init("min", .int(Int64(range.lowerBound))), .init("max", .int(Int64(range.upperBound)))])
  }

  /// Numbers from the range.
  public static func uniform(_ range: Range<Double>) -> GeneratedColumn {
    .init(.float64, "uniform", [.init("min", .double(range.lowerBound)), .init("max", .double(range.upperBound))])
  }

  /// One of the texts, each as likely as another.
  public static func choice(_ values: String...) -> GeneratedColumn {
    .init(.utf8, "choice", [.init("values", .array(values.map { .string($0) }))])
  }

  /// Points in time, `step` apart.
  public static func timestamp(
    from start: Timestamp = Timestamp(microseconds: 0), step: Duration = .milliseconds(1)
  ) -> GeneratedColumn {
    .init(.timestamp, "timestamp", [.init("start", .int(start.microseconds)), .init("step", .int(step.microseconds))])
  }
}

extension Duration {
  /// Whole microseconds; finer parts are dropped.
  fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
