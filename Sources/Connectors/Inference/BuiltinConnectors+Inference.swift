import Arrow
import Base
import VolleyPlan

extension BuiltinConnectors {
  /// The columns of a source whose plan declares none, from the beginning of its files: for csv and jsonlines from the first
  /// `inferRows` records (10,000) among the first `inferBytes` bytes (4 MiB) of each file, in the order of their paths, compressed or
  /// not; for Arrow from the first file's schema, for Flight from what the server says. All columns are nullable. See `InferredType` for the rules. Nil for a connector that is not
  /// built in.
  ///
  /// - Throws: `noInput` when there is no file, `usage` when the connector cannot say or the options are wrong, `data` when the
  ///   files give no columns.
  public static func inferSchema(
    _ connector: Plan.Connector, uid: String, codecs: CodecSet = .none
  ) throws(Failure) -> [Field]? {
    guard sourceNames.contains(connector.name) else { return nil }
    var options = try ConnectorOptions(connector, role: "source", uid: uid)
    let place = options.place
    if connector.name == "flight" { return try flightSchema(&options, uid, codecs) }
    guard ["csv", "jsonlines", "arrow", "arrowstream"].contains(connector.name) else {
      throw Failure(.usage, "\(place): the schema is missing, and only files and flights tell theirs; declare it")
    }
    let patterns = try options.requiredStrings("path", meaning: "the path or pattern of the files to read")
    let paths =
      try options.bool("watch", default: false)
      ? try watchedPaths(patterns, place)
      : try FileSet(patterns: patterns, place: place, isSplittable: false).splits().map(\.path)
    switch connector.name {
    case "arrow": return try named(openArrow(paths[0], arrowReading(codecs, uid)).schema.fields, paths[0])
    case "arrowstream": return try named(streamSchema(paths[0], arrowReading(codecs, uid)), paths[0])
    default: break
    }
    let sample = try SampleOptions(&options)
    let compression = try InputCompression(&options, codecs, uid: uid)
    let dialect = connector.name == "csv" ? try options.csvDialect() : nil
    var sampler = SchemaSampler(place: place, rows: sample.rows)
    for path in paths where !sampler.isFull {
      let window = try sample.read(path, compression)
      if let dialect { try sampler.addCSV(window, dialect, path) } else { try sampler.addJSON(window, path) }
    }
    return try sampler.fields()
  }

  /// The files that are there already, in the order in which they are read.
  private static func watchedPaths(_ patterns: [String], _ place: String) throws(Failure) -> [String] {
    let paths = WatchedFiles.files(of: patterns.map(WatchedFiles.pattern)).filter { $0.byteCount > 0 }.map(\.path)
    guard !paths.isEmpty else {
      let named = patterns.map { "'\($0)'" }.joined(separator: ", ")
      throw Failure(
        .noInput,
        "\(place): no file of \(named) is there yet to tell its columns; declare the schema, or provide one")
    }
    return paths
  }

  /// Columns of a file that can be told apart by their names.
  static func named(_ fields: [Field], _ path: String) throws(Failure) -> [Field] {
    var names: Set<String> = []
    for field in fields {
      if field.name.isEmpty {
        throw Failure(
          .data,
          "\(path): has a column without a name; write it with a name for it, or declare a schema without it")
      }
      if !names.insert(field.name).inserted {
        throw Failure(
          .data,
          "\(path): has several columns named '\(field.name)'; write it with a name for each, or declare a schema without them"
        )
      }
    }
    return fields
  }

  private static func streamSchema(_ path: String, _ options: IPCReadOptions) throws(Failure) -> [Field] {
    let file = try MappedFile(path)
    var reader = IPCStreamReader(options: options)
    var bytes = UnsafeRawBufferPointer(start: file.bytes.address, count: file.bytes.count)
    do throws(Failure) {
      try refuseFileFormat(bytes)
      _ = try reader.next(&bytes)
      guard let schema = reader.schema else {
        throw Failure(.data, "the Arrow stream ends before its schema; it was cut off")
      }
      return schema.fields
    } catch { throw error.within(path) }
  }
}

/// How much of the files is looked at.
struct SampleOptions {
  let rows: Int
  private let bytes: Int

  init(_ options: inout ConnectorOptions) throws(Failure) {
    rows = Int(try options.int("inferRows", in: 1...100_000_000) ?? 10_000)
    bytes = Int(try options.int("inferBytes", in: 1...(1 << 30)) ?? 4 << 20)
  }

  /// The beginning of a file, decompressed.
  func read(_ path: String, _ compression: InputCompression) throws(Failure) -> ByteWindow {
    let file = try InputFile(path: path)
    let window = ByteWindow(capacity: min(bytes, 1 << 20), maxRecordBytes: bytes)
    let wake = try WakePipe()
    guard file.isRegular else {
      throw Failure(
        .usage,
        "\(path): is no regular file, and reading it to find its columns would lose what is read; declare the schema")
    }
    let decompressor = Decompressor(compression.isPlain(path) ? .plain : compression)
    decompressor.restart(isStart: true)
    while window.count < bytes, !window.isAtEnd {
      let room = min(1 << 20, bytes - window.count)
      if case .end = try decompressor.fill(window, count: room, from: file, waiting: .zero, wake: wake) {
        window.isAtEnd = true
      }
    }
    try window.passMark(of: path)
    return window
  }
}
