import Arrow
import Base

/// Rows in the Arrow file or stream format, a record batch for each that comes.
final class ArrowFormatter: RowFormatter {
  let keepsBatches = true
  private(set) var failure: Failure?
  private let schema: Schema
  private let isStream: Bool
  private let options: IPCWriteOptions
  private var file: IPCFileWriter?
  private var stream: IPCStreamWriter?

  init(schema: Schema, isStream: Bool, options: IPCWriteOptions = IPCWriteOptions()) {
    self.schema = schema
    self.isStream = isStream
    self.options = options
  }

  func writeHeader(to out: ByteWriter) {
    attempt { () throws(Failure) in
      var output = ByteWriterOutput(out: out)
      if isStream {
        stream = try IPCStreamWriter(IPCSchema(schema.fields), options: options, to: &output)
      } else {
        file = try IPCFileWriter(IPCSchema(schema.fields), options: options, to: &output)
      }
    }
  }

  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter) {
    attempt { () throws(Failure) in
      var output = ByteWriterOutput(out: out)
      try file?.write(batch.slice(rows), to: &output)
      try stream?.write(batch.slice(rows), to: &output)
    }
  }

  func writeFooter(to out: ByteWriter) {
    attempt { () throws(Failure) in
      var output = ByteWriterOutput(out: out)
      try file?.finish(to: &output)
      try stream?.finish(to: &output)
    }
  }

  private func attempt(_ body: () throws(Failure) -> Void) {
    guard failure == nil else { return }
    do throws(Failure) { try body() } catch { failure = error }
  }
}

private struct ByteWriterOutput: IPCOutput {
  let out: ByteWriter

  mutating func write(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    out.append(start.assumingMemoryBound(to: UInt8.self), bytes.count)
  }
}
