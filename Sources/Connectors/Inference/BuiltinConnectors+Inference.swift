import Arrow
import Base
import VolleyPlan

extension BuiltinConnectors {
  /// The columns of a source whose plan declares none, from the beginning of its files: for csv and jsonlines from the first
  /// `inferRows` records (10,000) among the first `inferBytes` bytes (4 MiB) of each file, in the order of their paths; for Arrow
  /// from the first file's schema. All columns are nullable. See `InferredType` for the rules. Nil for a connector that is not
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
    guard ["csv", "jsonlines", "arrow", "arrowstream"].contains(connector.name) else {
      throw Failure(.usage, "\(place): the schema is missing, and only files tell theirs; declare it")
    }
    let patterns = try options.requiredStrings("path", meaning: "the path or pattern of the files to read")
    let paths = try FileSet(patterns: patterns, place: place, isSplittable: false).splits().map(\.path)
    switch connector.name {
    case "arrow": return try openArrow(paths[0], arrowReading(codecs, uid)).schema.fields
    case "arrowstream": return try streamSchema(paths[0], arrowReading(codecs, uid))
    default: break
    }
    let sample = try SampleOptions(&options)
    let compression = try InputCompression(&options, codecs, uid: uid)
    let dialect = connector.name == "csv" ? try options.csvDialect() : nil
    var sampler = SchemaSampler(place: place, rows: sample.rows)
    for path in paths where !sampler.isFull {
      guard compression.isPlain(path) else {
        throw Failure(
          .usage, "\(place): \(path): is compressed, and its columns are not looked for; declare the schema")
      }
      let window = try sample.read(path)
      if let dialect { try sampler.addCSV(window, dialect, path) } else { try sampler.addJSON(window, path) }
    }
    return try sampler.fields()
  }

  private static func streamSchema(_ path: String, _ options: IPCReadOptions) throws(Failure) -> [Field] {
    let file = try MappedFile(path)
    var reader = IPCStreamReader(options: options)
    var bytes = UnsafeRawBufferPointer(start: file.bytes.address, count: file.bytes.count)
    do throws(Failure) {
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

  /// The beginning of a file.
  func read(_ path: String) throws(Failure) -> ByteWindow {
    let file = try InputFile(path: path)
    let window = ByteWindow(capacity: min(bytes, 1 << 20), maxRecordBytes: bytes)
    let wake = try WakePipe()
    guard file.isRegular else {
      throw Failure(
        .usage,
        "\(path): is no regular file, and reading it to find its columns would lose what is read; declare the schema")
    }
    while window.count < bytes {
      guard case .bytes = try file.fill(window, count: min(1 << 20, bytes - window.count), waiting: .zero, wake: wake)
      else {
        window.isAtEnd = true
        break
      }
    }
    if window.count >= 3, window.first[0] == 0xEF, window.first[1] == 0xBB, window.first[2] == 0xBF {
      window.advance(3, lines: 0)
    }
    return window
  }
}
