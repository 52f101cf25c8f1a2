import Arrow
import ArrowTestSupport
import Base
import TestSupport
import VolleyPlan

/// What the tests of IPC read and write.
enum IPCBatches {
  /// A column of every type that the format has a form for.
  static let schema = Schema(RandomColumns.types.enumerated().map { Field("c\($0)", $1) })

  /// Rows of every type.
  static func random(
    _ length: Int, nulls: Int, offset: Int = 0, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    random(schema, length, nulls: nulls, offset: offset, &generator)
  }

  static func random(
    _ schema: Schema, _ length: Int, nulls: Int, offset: Int = 0, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    let columns = schema.fields.map {
      RandomColumns.column($0.type, RandomColumns.values($0.type, length, nulls: nulls, &generator), offset: offset)
    }
    return RecordBatch(schema: schema, columns: columns, length: length)
  }

  static func stream(
    _ schema: IPCSchema, _ batches: [RecordBatch], options: IPCWriteOptions = IPCWriteOptions()
  ) throws(Failure) -> [UInt8] {
    var output = IPCBytes()
    var writer = try IPCStreamWriter(schema, options: options, to: &output)
    for batch in batches { try writer.write(batch, to: &output) }
    try writer.finish(to: &output)
    return output.bytes
  }

  static func file(
    _ schema: IPCSchema, _ batches: [RecordBatch], options: IPCWriteOptions = IPCWriteOptions()
  ) throws(Failure) -> [UInt8] {
    var output = IPCBytes()
    var writer = try IPCFileWriter(schema, options: options, to: &output)
    for batch in batches { try writer.write(batch, to: &output) }
    try writer.finish(to: &output)
    return output.bytes
  }

  static func shared(_ bytes: [UInt8]) -> SharedBytes { bytes.withUnsafeBytes { SharedBytes(copying: $0) } }

  /// All batches of a stream or a file.
  static func read(
    _ bytes: SharedBytes, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) -> [RecordBatch] {
    var batches: [RecordBatch] = []
    try ArrowIPC.read(bytes, options: options) { batch throws(Failure) in batches.append(batch) }
    return batches
  }

  static func schema(of bytes: SharedBytes) throws(Failure) -> IPCSchema {
    IPCFileReader.isFile(UnsafeRawBufferPointer(start: bytes.address, count: bytes.count))
      ? try IPCFileReader(bytes).schema : try IPCMemoryStreamReader(bytes).schema
  }

  /// All batches of a stream that arrives in pieces of these sizes.
  static func read(_ bytes: [UInt8], pieces: () -> Int) throws(Failure) -> [RecordBatch] {
    var batches: [RecordBatch] = []
    var reader = IPCStreamReader()
    var start = 0
    while start < bytes.count {
      let piece = Array(bytes[start..<min(bytes.count, start + pieces())])
      start += piece.count
      // Memory that is gone right after the call.
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
      defer { memory.deallocate() }
      memory.copyBytes(from: piece)
      var rest = UnsafeRawBufferPointer(memory)
      while let batch = try reader.next(&rest) { batches.append(batch) }
    }
    try reader.finish()
    return batches
  }
}
