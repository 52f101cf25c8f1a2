import Arrow
import Base
import Dataflow

/// Reads the Arrow stream format from files, one after the other, or from stdin.
final class ArrowStreamSource: Source {
  let blocks = true
  private var paths: [String]
  private let stdin: InputFile?
  private let schema: Schema
  private let place: String
  private let wake: WakePipe
  private let window = ByteWindow(capacity: 2 << 20, maxRecordBytes: .max)
  private var file: InputFile?
  private var hasClaim = false
  private let options: IPCReadOptions
  private var reader: IPCStreamReader
  private var columns: ArrowColumns?
  private var rest: RecordBatch?

  /// - Parameter stdin: what is read instead of files.
  init(
    _ paths: [String], stdin: InputFile?, schema: Schema, place: String, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) {
    self.options = options
    reader = IPCStreamReader(options: options)
    self.paths = paths.reversed()
    self.stdin = stdin
    self.schema = schema
    self.place = place
    wake = try WakePipe()
  }

  func open() throws(Failure) {
    guard let stdin else { return }
    try stdin.claim(for: place)
    hasClaim = true
    file = stdin
  }

  func stop() { wake.wake() }

  func close() {
    if hasClaim { stdin?.releaseClaim() }
    (file, rest, hasClaim) = (nil, nil, false)
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = ContinuousClock.now + timeout
    while !wake.isWoken {
      if let batch = rest {
        let count = min(maxRows, batch.length)
        rest = count < batch.length ? batch.slice(count..<batch.length) : nil
        return .batch(batch.slice(0..<count))
      }
      if file == nil {
        guard let path = paths.popLast() else { return .end }
        file = try InputFile(path: path)
        reader = IPCStreamReader(options: options)
        window.restart(at: 0, splitEnd: .max)
      }
      guard let file else { preconditionFailure("an input is open") }
      if window.count > 0, try takeBatch(file.name) { continue }
      switch try file.fill(window, count: 1 << 20, waiting: deadline - .now, wake: wake) {
      case .bytes: continue
      case .nothing: if deadline <= .now { return .idle }
      case .end:
        do throws(Failure) { try reader.finish() } catch { throw error.within(file.name) }
        self.file = nil
        columns = nil
      }
    }
    return .end
  }

  /// Takes what the window has. Whether something was read.
  private func takeBatch(_ path: String) throws(Failure) -> Bool {
    var bytes = UnsafeRawBufferPointer(start: window.first, count: window.count)
    do throws(Failure) {
      let batch = try reader.next(&bytes)
      // Bytes behind the end mark are not of the stream.
      window.advance(reader.hasEnded ? window.count : window.count - bytes.count, lines: 0)
      if columns == nil, let found = reader.schema { columns = try ArrowColumns(schema, in: found.fields, of: path) }
      guard let batch else { return false }
      if batch.length > 0 { rest = try columns?.take(batch, of: path) }
    } catch { throw error.message.hasPrefix(path) ? error : error.within(path) }
    return true
  }
}
