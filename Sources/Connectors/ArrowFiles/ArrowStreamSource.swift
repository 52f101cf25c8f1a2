import Arrow
import Base
import Dataflow

/// Reads the Arrow stream format from files, one after the other, known from the start or found while the job runs, or from stdin.
final class ArrowStreamSource: Source {
  let blocks = true
  private var paths: [String]
  private let watched: WatchedFiles?
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
    _ paths: [String], watched: WatchedFiles? = nil, stdin: InputFile?, schema: Schema, place: String,
    options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) {
    self.options = options
    reader = IPCStreamReader(options: options)
    self.paths = paths.reversed()
    self.watched = watched
    self.stdin = stdin
    self.schema = schema
    self.place = place
    wake = try WakePipe()
  }

  func open() throws(Failure) {
    try watched?.open()
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
        var next = paths.popLast()
        if next == nil { next = try watched?.take()?.path }
        guard let path = next else {
          guard let watched else { return .end }
          let wait = deadline - .now
          if wait <= .zero { return .idle }
          watched.wait(wait, wake: wake)
          continue
        }
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
      if reader.schema == nil { try refuseFileFormat(bytes) }
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

/// - Throws: `data` when what should be a stream begins like the file format.
func refuseFileFormat(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
  guard bytes.starts(with: "ARROW1".utf8) else { return }
  throw Failure(.data, "is in the Arrow file format, not in the stream format; read it with the connector 'arrow'")
}
