import Arrow
import Base
import Dataflow

extension FileSplit {
  /// The splits of Arrow files, ranges of record batches of about `size` bytes each and at least one batch; the last one of
  /// a file has no end.
  static func arrowSplits(
    of files: [FileSplit], options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) -> [FileSplit] {
    var splits: [FileSplit] = []
    for file in files {
      let count = try openArrow(file.path, options).batchCount
      let bytes = FoundFile(path: file.path)?.byteCount
      let step = Int(min(max(1, Int64(count) * size / max(1, bytes ?? 1)), Int64(max(1, count))))
      for first in stride(from: 0, to: count, by: step) {
        let end = first + step < count ? Int64(first + step) : .max
        splits.append(FileSplit(path: file.path, start: Int64(first), end: end, fileBytes: bytes))
      }
    }
    return splits
  }
}

/// - Throws: `noInput` when there is no such file, `data` when it is no Arrow file.
func openArrow(_ path: String, _ options: IPCReadOptions = IPCReadOptions()) throws(Failure) -> IPCFileReader {
  let file = try MappedFile(path)
  do throws(Failure) { return try IPCFileReader(file.bytes, options: options) } catch { throw error.within(path) }
}

/// Reads the record batches of Arrow files as views of the mapped files: no value is copied. The files are known from the start, or
/// found while the job runs: then each is one split.
final class ArrowFileSource: FileReadingSource {
  let blocks = true
  private let inputs: FileInputs
  private let schema: Schema
  private let options: IPCReadOptions
  private let wake: WakePipe
  /// The split that is read, whose `at` and `rows` say how far.
  private var current: FilePosition?
  /// Where the split is left; nil: at its end.
  private var bound: FilePosition?
  private var reader: (path: String, body: IPCFileReader, columns: ArrowColumns)?
  /// The rest of a batch that was larger than asked for: of the one that `current` is at.
  private var rest: RecordBatch?

  init(_ inputs: FileInputs, schema: Schema, options: IPCReadOptions = IPCReadOptions()) throws(Failure) {
    self.options = options
    self.inputs = inputs
    self.schema = schema
    wake = try WakePipe()
  }

  func open() throws(Failure) { try inputs.open() }

  func stop() { wake.wake() }

  func close() { (reader, rest) = (nil, nil) }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = ContinuousClock.now + timeout
    while !wake.isWoken {
      if let batch = rest { return .batch(take(batch, maxRows)) }
      guard let split = current else {
        if try !openNext() {
          guard let watched = inputs.watched else { return .end }
          let wait = deadline - .now
          if wait <= .zero { return .idle }
          watched.wait(wait, wake: wake)
        }
        continue
      }
      let at = split.at ?? split.start
      guard at < min(split.end, Int64(reader?.body.batchCount ?? 0)), !isAtBound(split) else {
        current?.isDone = true
        if let current { inputs.finish([current]) }
        current = nil
        continue
      }
      do throws(Failure) {
        if let batch = try reader?.body.batch(Int(at)), Int64(batch.length) > split.rows {
          let isLast = bound.map { at == $0.at ?? $0.start } ?? false
          let end = isLast ? min(batch.length, Int(bound?.rows ?? 0)) : batch.length
          rest = try reader?.columns.take(batch, of: split.path).slice(Int(split.rows)..<end)
        } else {
          moveOn()
        }
      } catch { throw error.within("\(split.path), batch \(at)") }
    }
    return .end
  }

  private func isAtBound(_ split: FilePosition) -> Bool {
    guard let bound else { return false }
    return (split.at ?? split.start, split.rows) >= (bound.at ?? bound.start, bound.rows)
  }

  /// Some rows of the batch that is read.
  private func take(_ batch: RecordBatch, _ maxRows: Int) -> RecordBatch {
    let count = min(maxRows, batch.length)
    if count < batch.length {
      rest = batch.slice(count..<batch.length)
      current?.rows += Int64(count)
    } else {
      moveOn()
    }
    return batch.slice(0..<count)
  }

  private func moveOn() {
    guard let split = current else { return }
    rest = nil
    current?.at = (split.at ?? split.start) + 1
    current?.rows = 0
  }

  /// Begins the next split; false when there is none, or none yet.
  private func openNext() throws(Failure) -> Bool {
    guard let part = try inputs.next() else { return false }
    let path = part.split.path
    // A file that came under the name of another is not that one.
    if reader?.path != path || inputs.watched != nil {
      let body = try openArrow(path, options)
      reader = (path, body, try ArrowColumns(schema, in: body.schema.fields, of: path))
    }
    bound = part.bound
    current =
      part.position
      ?? FilePosition(part.split, file: FoundFile(path: path).map { FileRecord($0, size: part.split.fileBytes) })
    return true
  }
}

extension ArrowFileSource {
  private var currentPosition: [FilePosition] { current.map { [$0] } ?? [] }

  func filePositions() -> [FilePosition] { inputs.filePositions(currentPosition) }

  func positions() throws(Failure) -> [SplitPosition] { try inputs.positions(currentPosition) }

  func missing(of positions: [SplitPosition]) -> [String] { inputs.missing(of: positions) }

  func resume(at positions: [SplitPosition]) throws(Failure) { try inputs.resume(at: positions) }

  func end(at positions: [SplitPosition]) throws(Failure) { try inputs.end(at: positions) }
}
