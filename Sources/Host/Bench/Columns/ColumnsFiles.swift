import Arrow
import Base
import Connectors
import Dataflow
import Glibc
import VolleyPlan

/// The rows of `bench columns` as files: `data.arrow`, `data.csv` and `data.jsonl` of one folder.
struct ColumnsFiles {
  let folder: String
  private let isTemporary: Bool

  var arrow: String { folder + "/data.arrow" }
  var csv: String { folder + "/data.csv" }
  var jsonLines: String { folder + "/data.jsonl" }

  /// - Parameter folder: where they stay; nil: a temporary one, which `remove` takes away.
  init(in folder: String?) throws(Failure) {
    if let folder {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw Failure(
          .io, "the folder '\(folder)' cannot be made: \(String(cString: strerror(errno))); name another with --data")
      }
      self.folder = folder
      isTemporary = false
    } else {
      var template = Array("/tmp/volley-bench-XXXXXX".utf8CString)
      guard template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) != nil else {
        throw Failure(.io, "no temporary folder can be made in /tmp: \(String(cString: strerror(errno)))")
      }
      self.folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      isTemporary = true
    }
  }

  func remove() {
    guard isTemporary else { return }
    for path in [arrow, csv, jsonLines] { unlink(path) }
    rmdir(folder)
  }

  func write(_ data: ColumnsData) throws(Failure) {
    var file = try BenchFile(arrow)
    var writer = try IPCFileWriter(IPCSchema(ColumnsData.schema.fields), to: &file)
    for batch in data.batches { try writer.write(batch, to: &file) }
    try writer.finish(to: &file)
    try file.close()
    for (name, path) in [("csv", csv), ("jsonlines", jsonLines)] {
      unlink(path)
      let connector = Plan.Connector(name: name, options: .object([.init("path", .string(path))]))
      guard let factory = try BuiltinConnectors.sink(connector, schema: ColumnsData.schema, uid: "bench") else {
        preconditionFailure("\(name) is built in")
      }
      let sink = try factory.make(SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1))
      try sink.open()
      for batch in data.batches { try sink.write(batch) }
      try sink.flush()
      try sink.close(complete: true)
    }
  }

  /// Reads a text file to its end; gives the rows.
  func read(_ name: String, _ path: String) throws(Failure) -> Int {
    let connector = Plan.Connector(name: name, options: .object([.init("path", .string(path))]))
    let factory = try BuiltinConnectors.source(
      connector, schema: ColumnsData.schema.fields, badRecords: .stop, uid: "bench")
    guard let source = try factory?.make(SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1)) else {
      preconditionFailure("\(name) is built in")
    }
    try source.open()
    var rows = 0
    while true {
      switch try source.read(maxRows: BenchData.batchRows, timeout: .seconds(1)) {
      case .batch(let batch): rows += batch.length
      case .idle: continue
      case .end:
        try source.close()
        return rows
      }
    }
  }

  /// Reads every value of the Arrow file; gives the rows.
  func readArrow() throws(Failure) -> (rows: Int, sum: UInt64) {
    var reader = try IPCFileReader(try MappedFile(arrow).bytes)
    var checksum = BlackholeChecksum()
    for index in 0..<reader.batchCount { checksum.add(try reader.batch(index)) }
    return (checksum.rows, checksum.bits)
  }

  static func byteCount(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}

/// A file that is written from its start.
private struct BenchFile: IPCOutput {
  private let descriptor: Int32
  private let path: String

  init(_ path: String) throws(Failure) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Failure(.io, "'\(path)' cannot be created: \(String(cString: strerror(errno)))")
    }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let written = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      guard written > 0 else {
        throw Failure(.io, "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
      }
      done += written
    }
  }

  func close() throws(Failure) {
    guard Glibc.close(descriptor) == 0 else {
      throw Failure(.io, "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
