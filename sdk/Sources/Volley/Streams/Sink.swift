import VolleyPlan

/// Where rows go: a connector of the host's, another plugin's, or code of the pipeline's own.
///
/// Of a changelog every change is written, with its `row_kind` as the first column; `latest` in front of the sink writes what holds when the
/// input has ended instead.
public struct Sink {
  enum Implementation {
    case connector(Plan.Connector)
    case code(@Sendable (TaskContext) throws -> any SinkWriter)
  }

  let implementation: Implementation

  private static func connector(_ name: String, _ options: [JSONValue.Member]) -> Sink {
    Sink(implementation: .connector(.init(name: name, options: .object(options))))
  }

  /// Comma-separated values.
  ///
  /// - Parameters:
  ///   - path: a file, or with "/" at its end a folder.
  ///   - style: how else the text looks.
  ///   - layout: how rows are spread over a folder's files.
  ///   - compression: of the files.
  public static func csv(
    _ path: String, header: Bool = true, delimiter: Character = ",", style: CSVStyle = .standard,
    layout: FileLayout = .onePerSubtask, compression: Compression = .auto
  ) -> Sink {
    connector(
      "csv",
      [
        .init("path", .string(path)), .init("header", .bool(header)), .init("delimiter", .string(String(delimiter))),
      ] + style.options + layout.options + compression.sinkOptions)
  }

  /// One JSON object a line.
  ///
  /// - Parameters:
  ///   - path: a file, or with "/" at its end a folder.
  ///   - layout: how rows are spread over a folder's files.
  ///   - compression: of the files.
  public static func jsonLines(_ path: String, layout: FileLayout = .onePerSubtask, compression: Compression = .auto)
    -> Sink
  {
    connector("jsonlines", [.init("path", .string(path))] + layout.options + compression.sinkOptions)
  }

  /// The Arrow file format.
  ///
  /// - Parameters:
  ///   - path: a file, or with "/" at its end a folder.
  ///   - layout: how rows are spread over a folder's files.
  ///   - compression: of the buffers within the files, `.lz4` or `.zstd`; `.auto`: none.
  public static func arrow(
    _ path: String, layout: FileLayout = .onePerSubtask, compression: Compression = .auto
  ) -> Sink {
    connector("arrow", [.init("path", .string(path))] + layout.options + compression.sinkOptions)
  }

  /// The Arrow stream format, otherwise as `arrow`.
  public static func arrowStream(
    _ path: String, layout: FileLayout = .onePerSubtask, compression: Compression = .auto
  ) -> Sink {
    connector("arrowstream", [.init("path", .string(path))] + layout.options + compression.sinkOptions)
  }

  /// Standard output, as comma-separated values or JSON lines.
  ///
  /// - Parameter compression: what was flushed can be read at once.
  public static func stdout(_ format: OutputFormat = .jsonLines, compression: Compression = .auto) -> Sink {
    connector("stdout", [.init("format", .string(format.rawValue))] + compression.sinkOptions)
  }

  /// Standard output, for people.
  public static var console: Sink { connector("console", []) }

  /// Nowhere: the rows are counted and dropped.
  public static var blackhole: Sink { connector("blackhole", []) }

  /// A connector that another plugin brings, or one of the host's that this SDK has no name for.
  public static func connector(_ name: String, options: [(String, JSONValue)] = []) -> Sink {
    connector(name, options.map { .init($0.0, $0.1) })
  }

  /// Code of the author's own.
  ///
  /// - Parameter make: makes one writer a subtask; the context says which, and `context.inputs[0]` has the columns.
  public static func custom(_ make: @escaping @Sendable (TaskContext) throws -> any SinkWriter) -> Sink {
    Sink(implementation: .code(make))
  }

  /// Calls a closure with each row, a struct whose fields are found among the columns by name.
  ///
  /// - Parameter body: may be called on several threads at a time; an error that it throws stops the job.
  public static func eachRow<Row: RowValue>(_ body: @escaping @Sendable (Row) throws -> Void) -> Sink {
    Sink(implementation: .code { _ in RowSink(body) })
  }
}

/// The format of text on standard output.
public enum OutputFormat: String, Sendable {
  case csv
  case jsonLines = "jsonlines"
  case arrowStream = "arrowstream"
}
