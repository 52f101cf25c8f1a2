import Arrow
import Base
import Dataflow
import Glibc
import Observability
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// Everything that a source gives, as rows of cells; a null is nil.
func rows(of source: any Source, maxRows: Int = 65_536) throws -> [[String?]] {
  try batches(of: source, maxRows: maxRows).flatMap { cells($0) }
}

func batches(of source: any Source, maxRows: Int = 65_536) throws -> [RecordBatch] {
  var batches: [RecordBatch] = []
  try source.open()
  while true {
    switch try source.read(maxRows: maxRows, timeout: .seconds(10)) {
    case .batch(let batch):
      #expect(batch.length > 0 && batch.length <= maxRows && batch.selection == nil)
      batches.append(batch)
    case .idle: continue
    case .end:
      try source.close()
      return batches
    }
  }
}

func cells(_ batch: RecordBatch) -> [[String?]] {
  (0..<batch.length).map { row in
    batch.columns.map { $0.isValid(row) ? $0.text(at: row) : nil }
  }
}

/// The one row of a subtask of a task by itself.
let alone = SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1)

func subtask(_ index: Int, of parallelism: Int) -> SubtaskContext {
  SubtaskContext(id: SubtaskID(task: 0, index: index), parallelism: parallelism)
}

func makeSource(
  _ connector: String, _ options: [JSONValue.Member], _ schema: [Field], _ badRecords: Plan.BadRecords = .stop,
  codecs: CodecSet = .none, log: EventLog? = nil
) throws -> SourceFactory {
  let factory = try BuiltinConnectors.source(
    Plan.Connector(name: connector, options: .object(options)), schema: schema, badRecords: badRecords, uid: "orders",
    codecs: codecs, log: log)
  return try #require(factory)
}

func makeSink(
  _ connector: String, _ options: [JSONValue.Member], _ schema: [Field], uid: String = "out",
  codecs: CodecSet = .none
) throws -> SinkFactory {
  let factory = try BuiltinConnectors.sink(
    Plan.Connector(name: connector, options: .object(options)), schema: Schema(schema), uid: uid, codecs: codecs)
  return try #require(factory)
}

/// A text source over a document, read `chunkBytes` at a time.
func textSource(
  _ format: String, _ path: String, _ schema: [Field], header: Bool = true, delimiter: UInt8 = 44,
  chunkBytes: Int = 1 << 20, maxRecordBytes: Int = 16 << 20, badRecords: Plan.BadRecords = .stop,
  splits: [FileSplit]? = nil, dialect: CSVDialect? = nil, metrics: StageMetrics = StageMetrics(),
  counter: (BadRecordPolicy) -> Void = { _ in }
) throws -> TextSource {
  let journal = SourceJournal(uid: "orders", log: nil)
  let decoder: any RecordDecoder =
    switch format {
    case "csv":
      CSVDecoder(
        schema: Schema(schema), dialect: dialect ?? .init(delimiter: delimiter, hasHeader: header), journal: journal)
    case "jsonlines": JSONLinesDecoder(fields: schema)
    default: LinesDecoder(column: schema[0])
    }
  let policy = BadRecordPolicy(badRecords, place: "source 'orders' (\(format))")
  counter(policy)
  return try TextSource(
    .splits(splits ?? [FileSplit(path: path, start: 0, end: .max)]), decoder: decoder, schema: Schema(schema),
    policy: policy, maxRecordBytes: maxRecordBytes, journal: journal, metrics: metrics, chunkBytes: chunkBytes)
}

/// The rows of a document; the failure's message as its only cell when it has none.
func parse(
  _ format: String, _ document: some Sequence<UInt8>, _ schema: [Field], header: Bool = true, delimiter: UInt8 = 44,
  chunkBytes: Int = 1 << 20, maxRecordBytes: Int = 16 << 20, dialect: CSVDialect? = nil
) throws -> [[String?]] {
  let path = temporaryFile(document)
  defer { unlink(path) }
  let source = try textSource(
    format, path, schema, header: header, delimiter: delimiter, chunkBytes: chunkBytes, maxRecordBytes: maxRecordBytes,
    dialect: dialect)
  do {
    return try rows(of: source)
  } catch let failure as Failure {
    return [[failure.message.replacing(path, with: "in.txt")]]
  }
}

/// A file that the caller removes: thousands of them, where a folder each would be slow.
private func temporaryFile(_ content: some Sequence<UInt8>) -> String {
  var template = Array("/tmp/volley-test-in-XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0, let file = fdopen(descriptor, "w") else { fatalError("no temporary file: errno \(errno)") }
  let bytes = Array(content)
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
  return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
}

extension String {
  func replacing(_ part: String, with other: String) -> String {
    var result = ""
    var rest = self[...]
    while let range = rest.firstRange(of: part) {
      result += rest[..<range.lowerBound] + other
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}

/// The sentence that `body` fails with.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no failure"
  } catch let failure as Failure {
    return failure.message
  } catch {
    return "another error: \(error)"
  }
}

func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch {
    return error as? Failure
  }
}

let everyType: [Field] = [
  Field("b", .bool), Field("i", .int32), Field("l", .int64), Field("d", .float64), Field("s", .utf8),
  Field("t", .timestamp),
]

/// A batch from literals, by row; nil is null.
func batch(_ fields: [Field], _ rows: [[Literal?]]) -> RecordBatch {
  let columns = fields.indices.map { index in
    let builder = ColumnBuilder(fields[index].type)
    for row in rows {
      if let value = row[index] { builder.append(value) } else { builder.appendNull() }
    }
    return builder.finish()
  }
  return RecordBatch(schema: Schema(fields), columns: columns, length: rows.count)
}

/// Rows as exact text that a Python peer can make too: a line a row, cells between tabs, null as \\N, doubles as the 16
/// hexadecimal digits of their bits (NaN as nan), timestamps as integers, text as the hexadecimal digits of its UTF-8.
func canonical(_ batches: [RecordBatch]) -> String {
  var text = ""
  for batch in batches {
    for row in 0..<batch.length {
      text += batch.columns.map { canonical($0.isValid(row) ? $0.literal(at: row) : .null($0.type)) }
        .joined(separator: "\t")
      text += "\n"
    }
  }
  return text
}

func canonical(_ literal: Literal) -> String {
  switch literal {
  case .null: "\\N"
  case .bool(let value): value ? "1" : "0"
  case .int32(let value): "\(value)"
  case .int64(let value): "\(value)"
  case .float64(let value):
    value.isNaN ? "nan" : hexadecimal((0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (56 - 8 * $0)) })
  case .utf8(let value): hexadecimal(Array(value.utf8))
  case .timestamp(let value, _, _): "\(value)"
  default: preconditionFailure("no wide value is made here")
  }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The Python side of `canonical`: `cell(value, type)`.
let canonicalPython = """
  import sys, struct, json, csv, io
  def cell(value, type):
      if value is None: return '\\\\N'
      if type == 'b': return '1' if value else '0'
      if type in 'ilt': return str(value)
      if type == 'd': return 'nan' if value != value else struct.pack('>d', value).hex()
      return value.encode('utf-8').hex()
  def show(rows, types):
      for row in rows: print('\\t'.join(cell(v, t) for v, t in zip(row, types)))

  """

extension CSVDialect {
  init(delimiter: UInt8, hasHeader: Bool) {
    self.init()
    self.delimiter = delimiter
    self.hasHeader = hasHeader
  }
}

extension CSVFormatter {
  convenience init(schema: Schema, delimiter: UInt8, hasHeader: Bool) {
    var style = CSVStyle()
    style.delimiter = delimiter
    style.hasHeader = hasHeader
    self.init(schema: schema, style: style)
  }
}
