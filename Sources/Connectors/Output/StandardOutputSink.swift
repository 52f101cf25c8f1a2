import Arrow
import Base
import Dataflow

/// Writes rows as text to stdout.
final class StandardOutputSink: Sink {
  let blocks = true
  private let formatter: any RowFormatter
  private let out = ByteWriter(capacity: FileSink.chunkBytes * 2)
  private let descriptor: Int32

  init(formatter: any RowFormatter, descriptor: Int32 = StandardOutput.descriptor) {
    self.formatter = formatter
    self.descriptor = descriptor
  }

  func open() throws(Failure) {
    StandardOutput.ignoreBrokenPipes()
    formatter.writeHeader(to: out)
  }

  func write(_ batch: RecordBatch) throws(Failure) {
    let step = formatter.chunkRows(of: batch)
    var row = 0
    while row < batch.length {
      let end = min(batch.length, row + step)
      formatter.write(batch, row..<end, to: out)
      if let failure = formatter.failure { throw failure }
      row = end
      if out.count >= FileSink.chunkBytes { try flush() }
    }
  }

  func flush() throws(Failure) {
    try StandardOutput.write(out.start, out.count, descriptor: descriptor)
    out.removeAll()
  }

  func close(complete: Bool) throws(Failure) {
    guard complete else { return }
    formatter.writeFooter(to: out)
    try flush()
  }
}
