import VolleyPlan

/// Where rows come from: a connector of the host's, another plugin's, or code of the pipeline's own.
public struct Source {
  enum Implementation {
    case connector(Plan.Connector)
    case code(@Sendable (TaskContext) throws -> any SourceReader)
  }

  let implementation: Implementation
  let schema: Schema
  let badRecords: BadRecords

  init(_ implementation: Implementation, schema: Schema, badRecords: BadRecords = .stop) {
    self.implementation = implementation
    self.schema = schema
    self.badRecords = badRecords
  }
}

/// What becomes of a record that cannot be decoded.
public enum BadRecords: Sendable {
  /// The job ends with file, line and reason.
  case stop
  /// The record, with file, line and reason, is appended to a JSON-lines file at this path.
  case deadLetter(String)

  var plan: Plan.BadRecords {
    switch self {
    case .stop: .stop
    case .deadLetter(let path): .deadLetter(path: path)
    }
  }
}

/// The format of text on standard input or output.
public enum TextFormat: Sendable {
  /// - Parameter header: whether the first line has the columns' names.
  case csv(header: Bool = true, delimiter: Character = ",", dialect: CSVDialect = .standard)
  case jsonLines
  /// Each line is the value of the only column, which is text. For input.
  case lines
  /// The Arrow stream format, which is no text. Bad records stop the job.
  case arrowStream

  var options: [JSONValue.Member] {
    switch self {
    case .csv(let header, let delimiter, let dialect):
      [
        .init("format", .string("csv")), .init("header", .bool(header)),
        .init("delimiter", .string(String(delimiter))),
      ] + dialect.options
    case .jsonLines: [.init("format", .string("jsonlines"))]
    case .lines: [.init("format", .string("lines"))]
    case .arrowStream: [.init("format", .string("arrowstream"))]
    }
  }
}

extension Source {
  private static func connector(
    _ name: String, _ options: [JSONValue.Member], _ schema: Schema, _ badRecords: BadRecords
  ) -> Source {
    Source(.connector(.init(name: name, options: .object(options))), schema: schema, badRecords: badRecords)
  }

  private static func path(_ paths: [String]) -> JSONValue.Member {
    .init("path", paths.count == 1 ? .string(paths[0]) : .array(paths.map { .string($0) }))
  }

  /// The same files, so many of them read at once by each subtask, a batch of each in turn, instead of one after the
  /// other. Each counts by itself for event time then: a file whose rows are earlier than those of the files beside it
  /// holds the watermark back, where its rows would be late if it were read behind them. For connectors that read
  /// files.
  public func interleaved(_ files: Int) -> Source {
    guard case .connector(var connector) = implementation else { return self }
    var options: [JSONValue.Member] = []
    if case .object(let members) = connector.options { options = members.filter { $0.name != "interleave" } }
    connector.options = .object(options + [.init("interleave", .int(Int64(files)))])
    return Source(.connector(connector), schema: schema, badRecords: badRecords)
  }

  private static func watching(_ watch: Bool) -> [JSONValue.Member] { watch ? [.init("watch", .bool(true))] : [] }

  /// Files of comma-separated values.
  ///
  /// - Parameters:
  ///   - paths: files or patterns ("orders/*.csv").
  ///   - schema: the columns; nil: the host finds them in the files when the plan is built. A pipeline for production
  ///     declares them.
  ///   - header: whether each file's first line has the columns' names.
  ///   - dialect: how else the files differ from RFC 4180.
  ///   - watch: whether files that appear later are read too, each once and when it is complete (closed, or moved in),
  ///     until the job is stopped. A path may be a folder then; names that are hidden or end like temporary ones are
  ///     passed.
  ///   - compression: of the files; a compressed file is read by one subtask.
  public static func csv(
    _ paths: String..., schema: Schema? = nil, header: Bool = true, delimiter: Character = ",",
    dialect: CSVDialect = .standard, watch: Bool = false, compression: Compression = .auto,
    badRecords: BadRecords = .stop
  ) -> Source {
    connector(
      "csv",
      [path(paths), .init("header", .bool(header)), .init("delimiter", .string(String(delimiter)))] + dialect.options
        + watching(watch) + compression.sourceOptions,
      schema ?? .inferred, badRecords)
  }

  /// Files of one JSON object a line.
  ///
  /// - Parameters:
  ///   - paths: files or patterns ("orders/*.jsonl").
  ///   - watch: whether files that appear later are read too, as of `csv`.
  public static func jsonLines(
    _ paths: String..., schema: Schema? = nil, watch: Bool = false, compression: Compression = .auto,
    badRecords: BadRecords = .stop
  ) -> Source {
    connector(
      "jsonlines", [path(paths)] + watching(watch) + compression.sourceOptions, schema ?? .inferred, badRecords)
  }

  /// Files in the Arrow file format.
  ///
  /// - Parameters:
  ///   - paths: files or patterns ("orders/*.arrow").
  ///   - schema: the columns to take; nil: all that the first file has.
  ///   - watch: whether files that appear later are read too, as of `csv`. They are mapped into memory: nobody may
  ///     shorten one.
  public static func arrow(_ paths: String..., schema: Schema? = nil, watch: Bool = false) -> Source {
    connector("arrow", [path(paths)] + watching(watch), schema ?? .inferred, .stop)
  }

  /// Files in the Arrow stream format.
  ///
  /// - Parameters:
  ///   - paths: files or patterns ("orders/*.arrows").
  ///   - schema: the columns to take; nil: all that the first file has.
  ///   - watch: whether files that appear later are read too, as of `csv`.
  public static func arrowStream(_ paths: String..., schema: Schema? = nil, watch: Bool = false) -> Source {
    connector("arrowstream", [path(paths)] + watching(watch), schema ?? .inferred, .stop)
  }

  /// Files of text: one row a line, in one text column.
  ///
  /// - Parameters:
  ///   - paths: files or patterns ("logs/*.txt").
  ///   - watch: whether files that appear later are read too, as of `csv`.
  public static func lines(
    _ paths: String..., column: String = "line", watch: Bool = false, compression: Compression = .auto,
    badRecords: BadRecords = .stop
  ) -> Source {
    connector(
      "lines", [path(paths)] + watching(watch) + compression.sourceOptions, Schema([Field(column, .utf8)]), badRecords)
  }

  /// Standard input.
  public static func stdin(
    _ format: TextFormat, schema: Schema, compression: Compression = .auto, badRecords: BadRecords = .stop
  ) -> Source {
    connector("stdin", format.options + compression.sourceOptions, schema, badRecords)
  }

  /// A connector that another plugin brings, or one of the host's that this SDK has no name for.
  public static func connector(
    _ name: String, schema: Schema, options: [(String, JSONValue)] = [], badRecords: BadRecords = .stop
  ) -> Source {
    connector(name, options.map { .init($0.0, $0.1) }, schema, badRecords)
  }

  /// Code of the author's own.
  ///
  /// - Parameter make: makes one reader a subtask; the context says which.
  public static func custom(
    _ schema: Schema, _ make: @escaping @Sendable (TaskContext) throws -> any SourceReader
  ) -> Source {
    Source(.code(make), schema: schema)
  }

  /// The rows of a sequence that the closure makes when the job starts.
  public static func rows<Rows: Sequence & SendableMetatype>(_ make: @escaping @Sendable () throws -> Rows) -> Source
  where Rows.Element: RowValue {
    Source(.code { _ in SequenceReader(make) }, schema: Schema(Rows.Element.self))
  }
}
