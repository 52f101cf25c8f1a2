import Arrow
import Base
import Dataflow
import Glibc
import Observability

extension BuiltinConnectors {
  static func blackhole(_ label: String, _ uid: String, _ log: EventLog?) -> SinkFactory {
    let totals = BlackholeTotals()
    return SinkFactory(label: label, maximumParallelism: nil, blackhole: totals) { _ in
      BlackholeSink(totals: totals, uid: uid, log: log)
    }
  }

  static func console(
    _ options: ConnectorOptions, _ schema: Schema, _ uid: String, _ label: String
  ) throws(Failure) -> SinkFactory {
    try checkTypes(schema.fields, isRead: false, nests: true, options.place)
    let name = ConsoleName(uid, in: .shared)
    let files = WrittenFiles(place: options.place, uid: uid, path: "-", form: .standardOutput)
    return SinkFactory(label: label, maximumParallelism: 1, files: files, guarantee: stdoutGuarantee) { _ in
      FileSink(StandardOutputTarget(), formatter: ConsoleFormatter(schema: schema, name: name))
    }
  }

  static func standardOutput(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String, _ codecs: CodecSet
  ) throws(Failure) -> SinkFactory {
    guard let format = try options.choice("format", of: ["csv", "jsonlines", "arrowstream"]) else {
      throw Failure(.usage, "\(options.place): the option 'format' is missing; give one of csv, jsonlines, arrowstream")
    }
    let text = try FormatterOptions(format, "", &options, schema, codecs, uid)
    let compression = text.isArrow ? nil : try OutputCompression("", &options, codecs, uid: uid)
    let files = WrittenFiles(place: options.place, uid: uid, path: "-", form: .standardOutput)
    return SinkFactory(label: label, maximumParallelism: 1, files: files, guarantee: stdoutGuarantee) { _ in
      FileSink(StandardOutputTarget(), formatter: text.makeFormatter(schema), compression: compression)
    }
  }

  static func fileSink(
    _ format: String, _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String,
    _ codecs: CodecSet
  ) throws(Failure) -> SinkFactory {
    let path = try options.requiredString("path", meaning: "a file, or a directory that ends with '/'")
    let text = try FormatterOptions(format, path, &options, schema, codecs, uid)
    let place = options.place
    let compression = text.isArrow ? nil : try OutputCompression(path, &options, codecs, uid: uid)
    let suffix = text.suffix + (compression?.suffix ?? "")
    if let directory = try DirectoryOptions(path, &options, schema) {
      let names = directory.names(schema, suffix: suffix)
      let files = WrittenFiles(place: place, uid: uid, path: path, form: .parts(names))
      return SinkFactory(label: label, maximumParallelism: nil, files: files) { context in
        directory.makeSink(
          DirectoryTarget(path: path, names: names, subtask: context.id.index, place: place), schema,
          compression, makeFormatter: text.makeFormatter)
      }
    }
    let isFolder = path.hasSuffix("/")
    let names = PartNames(suffix: suffix, isRolled: false)
    let files = WrittenFiles(place: place, uid: uid, path: path, form: isFolder ? .parts(names) : .file)
    let reading = text.isArrow ? arrowReading(codecs, uid) : nil
    let guarantee: @Sendable () -> DeliveryGuarantee = { isFolder ? .exactlyOnce : fileGuarantee(path) }
    return SinkFactory(
      label: label, maximumParallelism: isFolder ? nil : 1, files: files, guarantee: guarantee
    ) { context in
      let target = FileTarget(
        path: path, names: names, subtask: context.id.index, parallelism: context.parallelism, place: place)
      let plain = FileSink(target, formatter: text.makeFormatter(schema), compression: compression)
      return EpochSink(plain) {
        if isFolder {
          return DirectorySink(
            DirectoryTarget(path: path, names: names.byEpoch, subtask: context.id.index, place: place), schema: schema,
            partitionBy: [], policy: RollPolicy(), maxOpenFiles: 1, adds: false, compression: compression,
            makeFormatter: text.makeFormatter)
        }
        if fileGuarantee(path) != .exactlyOnce { return nil }
        return GrowingFileSink(
          path, place: place, compression: compression,
          rewriting: reading.map { rewriting(schema, isStream: format == "arrowstream", $0) }
        ) { text.makeFormatter(schema) }
      }
    }
  }

  private static let stdoutGuarantee: @Sendable () -> DeliveryGuarantee = {
    .atLeastOnce(reason: "rows on standard output are seen at once")
  }

  /// What rows at a path get that is no folder.
  private static func fileGuarantee(_ path: String) -> DeliveryGuarantee {
    var status = stat()
    guard stat(StandardOutput.path(path), &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return .exactlyOnce }
    return .atLeastOnce(reason: "'\(path)' is no regular file, and its rows are seen at once")
  }

  /// Puts the rows of an Arrow file that was not finished into another one.
  private static func rewriting(
    _ schema: Schema, isStream: Bool, _ options: IPCReadOptions
  ) -> GrowingFileSink.Rewriting {
    { (path, length, part) throws(Failure) in
      do throws(Failure) {
        // The file format is the stream format behind eight bytes.
        let first = isStream ? 0 : 8
        let bytes = try MappedFile(path).bytes
        var reader = try IPCMemoryStreamReader(bytes.part(first, Int(length) - first), options: options)
        let columns = try ArrowColumns(schema, in: reader.schema.fields, of: path)
        while let batch = try reader.next() {
          if batch.length > 0 { try part.write(try columns.take(batch, of: path), 0..<batch.length) }
        }
      } catch { throw error.within("\(path): the rows of the checkpoint cannot be gone on with") }
    }
  }
}

/// An output format's options.
private struct FormatterOptions: Sendable {
  private let format: String
  private let style: CSVStyle
  /// Whether the format compresses its buffers itself, so that files as a whole are not compressed.
  let isArrow: Bool
  private let arrow: IPCWriteOptions

  /// - Parameter path: where rows go, empty for standard output.
  init(
    _ format: String, _ path: String, _ options: inout ConnectorOptions, _ schema: Schema, _ codecs: CodecSet,
    _ uid: String
  ) throws(Failure) {
    self.format = format
    if format == "csv" || format == "jsonlines" {
      try BuiltinConnectors.checkTypes(schema.fields, isRead: false, nests: format != "csv", options.place)
    }
    style = format == "csv" ? try options.csvStyle() : CSVStyle()
    isArrow = format == "arrow" || format == "arrowstream"
    arrow = isArrow ? try IPCWriteOptions(path, &options, codecs, uid: uid) : IPCWriteOptions()
  }

  /// What ends the names of files in a directory.
  var suffix: String {
    switch format {
    case "csv": "csv"
    case "jsonlines": "jsonl"
    case "arrow": "arrow"
    default: "arrows"
    }
  }

  /// - Parameter schema: the columns that are written.
  func makeFormatter(_ schema: Schema) -> any RowFormatter {
    switch format {
    case "csv": CSVFormatter(schema: schema, style: style)
    case "jsonlines": JSONLinesFormatter(schema: schema)
    default: ArrowFormatter(schema: schema, isStream: format == "arrowstream", options: arrow)
    }
  }
}
