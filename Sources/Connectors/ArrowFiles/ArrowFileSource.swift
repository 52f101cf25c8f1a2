import Arrow
import Base
import Dataflow

/// A range of the record batches of an Arrow file.
struct ArrowSplit: Sendable, Hashable {
  var path: String
  var batches: Range<Int>

  /// The splits of files, of about `FileSplit.size` bytes each and at least one batch; found once for all instances.
  static func splits(
    of files: [FileSplit], options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) -> [ArrowSplit] {
    var splits: [ArrowSplit] = []
    for file in files {
      let reader = try openArrow(file.path, options)
      let size = max(1, Int64(reader.batchCount) * FileSplit.size / max(1, FoundFile(path: file.path)?.byteCount ?? 1))
      let step = Int(min(size, Int64(max(1, reader.batchCount))))
      for first in stride(from: 0, to: reader.batchCount, by: step) {
        splits.append(ArrowSplit(path: file.path, batches: first..<min(first + step, reader.batchCount)))
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
/// found while the job runs.
final class ArrowFileSource: Source {
  let blocks = true
  private var splits: [ArrowSplit]
  private let watched: WatchedFiles?
  private let schema: Schema
  private let options: IPCReadOptions
  private let wake: WakePipe
  private var split = 0
  private var nextBatch = 0
  private var reader: (path: String, body: IPCFileReader, columns: ArrowColumns)?
  /// The rest of a batch that was larger than asked for.
  private var rest: RecordBatch?

  init(
    _ splits: [ArrowSplit], watched: WatchedFiles? = nil, schema: Schema, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) {
    self.options = options
    self.splits = splits
    self.watched = watched
    self.schema = schema
    wake = try WakePipe()
  }

  func open() throws(Failure) { try watched?.open() }

  func stop() { wake.wake() }

  func close() { (reader, rest) = (nil, nil) }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = ContinuousClock.now + timeout
    while !wake.isWoken {
      if let batch = rest {
        let count = min(maxRows, batch.length)
        rest = count < batch.length ? batch.slice(count..<batch.length) : nil
        return .batch(batch.slice(0..<count))
      }
      guard split < splits.count else {
        guard let watched else { return .end }
        if try !takeFile(watched, deadline) { return .idle }
        continue
      }
      let current = splits[split]
      guard nextBatch < current.batches.count else {
        (split, nextBatch) = (split + 1, 0)
        continue
      }
      if reader?.path != current.path {
        let body = try openArrow(current.path, options)
        reader = (current.path, body, try ArrowColumns(schema, in: body.schema.fields, of: current.path))
      }
      let index = current.batches.lowerBound + nextBatch
      nextBatch += 1
      do throws(Failure) {
        let batch = try reader?.body.batch(index)
        if let batch, batch.length > 0 { rest = try reader?.columns.take(batch, of: current.path) }
      } catch { throw error.within("\(current.path), batch \(index)") }
    }
    return .end
  }

  /// Takes the next file that has appeared; false when none has by then.
  private func takeFile(_ watched: WatchedFiles, _ deadline: ContinuousClock.Instant) throws(Failure) -> Bool {
    if let file = try watched.take() {
      // A file that came under the name of another is not that one.
      reader = nil
      (splits, split) = (try ArrowSplit.splits(of: [file], options: options), 0)
      return true
    }
    let wait = deadline - .now
    if wait <= .zero { return false }
    watched.wait(wait, wake: wake)
    return true
  }
}
