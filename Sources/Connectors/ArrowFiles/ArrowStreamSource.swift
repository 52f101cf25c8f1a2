import Arrow
import Base
import Dataflow

/// Reads the Arrow stream format from files, one after the other, known from the start or found while the job runs, or from stdin. A
/// file is one split; its position is counted in record batches, and found again by reading what comes before.
final class ArrowStreamSource: FileReadingSource {
  let blocks = true
  private let inputs: FileInputs?
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
  /// The file that is read, as it was when it was begun.
  private var current: FilePosition?
  /// Where in it the next batch stands: the one that `rest` is of, or what the window comes to.
  private var at: Int64 = 0
  /// Rows of that batch that were given.
  private var given: Int64 = 0
  /// What was given before a restart.
  private var passed: (batches: Int64, rows: Int64) = (0, 0)
  /// Where the file is left; nil: at its end.
  private var bound: (batches: Int64, rows: Int64)?

  /// - Parameter stdin: what is read instead of files.
  init(
    _ inputs: FileInputs?, stdin: InputFile? = nil, schema: Schema, place: String,
    options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) {
    self.options = options
    reader = IPCStreamReader(options: options)
    self.inputs = inputs
    self.stdin = stdin
    self.schema = schema
    self.place = place
    wake = try WakePipe()
  }

  func open() throws(Failure) {
    try inputs?.open()
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
        (at, given) = rest == nil ? (at + 1, 0) : (at, given + Int64(count))
        return .batch(batch.slice(0..<count))
      }
      if file == nil {
        if stdin != nil { return .end }
        guard try openNext() else {
          guard let watched = inputs?.watched else { return .end }
          let wait = deadline - .now
          if wait <= .zero { return .idle }
          watched.wait(wait, wake: wake)
          continue
        }
      }
      guard let file else { preconditionFailure("an input is open") }
      if let bound, (at, given) >= bound {
        try finishFile()
        continue
      }
      if window.count > 0, try takeBatch(file.name) { continue }
      switch try file.fill(window, count: 1 << 20, waiting: deadline - .now, wake: wake) {
      case .bytes: continue
      case .nothing: if deadline <= .now { return .idle }
      case .end:
        do throws(Failure) { try reader.finish() } catch { throw error.within(file.name) }
        try finishFile()
      }
    }
    return .end
  }

  /// Opens the next file; false when there is none, or none yet.
  private func openNext() throws(Failure) -> Bool {
    guard let part = try inputs?.next() else { return false }
    let input = try InputFile(path: part.split.path)
    current =
      part.position
      ?? FilePosition(part.split, file: input.found.map { FileRecord($0, size: part.split.fileBytes) })
    (at, given) = (0, 0)
    passed = (part.position?.at ?? 0, part.position?.rows ?? 0)
    bound = part.bound.map { ($0.at ?? 0, $0.rows) }
    reader = IPCStreamReader(options: options)
    window.restart(at: 0, splitEnd: .max)
    file = input
    return true
  }

  private func finishFile() throws(Failure) {
    file = nil
    columns = nil
    guard var position = current else { return }
    guard (at, given) >= passed else {
      throw Failure(
        .data,
        "\(position.path): has \(at) record batches, and the checkpoint goes on behind \(passed.batches); bring it back as it was, or "
          + "begin the source anew (--reset-source)")
    }
    (position.at, position.rows, position.isDone) = (at, 0, true)
    inputs?.finish([position])
    current = nil
  }

  /// What a batch that was read has left to give.
  private func unpassed(_ batch: RecordBatch) -> RecordBatch? {
    var first = 0
    if at < passed.batches {
      first = batch.length
    } else if at == passed.batches {
      first = min(batch.length, Int(passed.rows))
    }
    if first == batch.length {
      (at, given) = (at + 1, 0)
      return nil
    }
    given = Int64(first)
    let end = bound.map { at == $0.batches ? min(batch.length, Int($0.rows)) : batch.length } ?? batch.length
    return batch.slice(first..<end)
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
      rest = try unpassed(batch).flatMap { rest throws(Failure) in try columns?.take(rest, of: path) }
    } catch { throw error.message.hasPrefix(path) ? error : error.within(path) }
    return true
  }
}

extension ArrowStreamSource {
  /// Until what was given before a restart is passed, it stays where it was.
  private var currentPosition: [FilePosition] {
    guard var position = current else { return [] }
    (position.at, position.rows) = (at, given) < passed ? passed : (at, given)
    return [position]
  }

  func filePositions() -> [FilePosition] { inputs?.filePositions(currentPosition) ?? [] }

  func positions() throws(Failure) -> [SplitPosition] { try inputs?.positions(currentPosition) ?? [] }

  func missing(of positions: [SplitPosition]) -> [String] { inputs?.missing(of: positions) ?? [] }

  func resume(at positions: [SplitPosition]) throws(Failure) {
    guard let inputs else { preconditionFailure("what is read from stdin is not read again") }
    try inputs.resume(at: positions)
  }

  func end(at positions: [SplitPosition]) throws(Failure) {
    guard let inputs else { preconditionFailure("what is read from stdin is not read again") }
    try inputs.end(at: positions)
  }
}

/// - Throws: `data` when what should be a stream begins like the file format.
func refuseFileFormat(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
  guard bytes.starts(with: "ARROW1".utf8) else { return }
  throw Failure(.data, "is in the Arrow file format, not in the stream format; read it with the connector 'arrow'")
}
