import Arrow
import Base
import Dataflow
import Glibc
import Observability

/// Reads records of a text format from the splits given to it, one after the other, or from stdin.
///
/// Several files make one batch when they are small. A batch that has rows never waits for more input; one without waits at
/// most as long as `read` is told.
final class TextSource: Source {
  let blocks = true
  private let inputs: Inputs
  private let reader: RecordReader
  private let policy: BadRecordPolicy
  private let journal: SourceJournal
  private let wake: WakePipe
  private let chunkBytes: Int
  private let decompressor: Decompressor

  private var hasClaim = false
  private var nextSplit = 0
  private var file: InputFile?

  enum Inputs {
    case splits([FileSplit])
    case watched(WatchedFiles)
    case stdin(InputFile)
  }

  /// - Parameters:
  ///   - metrics: where records that go to the dead-letter file are counted.
  ///   - chunkBytes: how much is read at once.
  init(
    _ inputs: Inputs, decoder: any RecordDecoder, schema: Schema, policy: BadRecordPolicy, maxRecordBytes: Int,
    journal: SourceJournal, metrics: StageMetrics = StageMetrics(), compression: InputCompression = .plain,
    chunkBytes: Int = 1 << 20
  ) throws(Failure) {
    self.inputs = inputs
    self.policy = policy
    self.journal = journal
    self.chunkBytes = chunkBytes
    decompressor = Decompressor(compression)
    reader = RecordReader(
      decoder, schema: schema, policy: policy, metrics: metrics, maxRecordBytes: maxRecordBytes,
      windowBytes: chunkBytes * 2)
    wake = try WakePipe()
  }

  func open() throws(Failure) {
    if case .stdin(let input) = inputs {
      try input.claim(for: policy.place)
      hasClaim = true
    }
    if case .watched(let files) = inputs { try files.open() }
  }

  func stop() { wake.wake() }

  func close() throws(Failure) {
    file = nil
    if hasClaim, case .stdin(let input) = inputs { input.releaseClaim() }
    hasClaim = false
    reader.close(journal)
    try policy.flush()
    journal.tellBadRecords(policy.counter.value, policy.deadLetterPath)
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = ContinuousClock.now + timeout
    while true {
      if wake.isWoken { return ending() }
      if file == nil {
        guard try openNext() else {
          guard case .watched(let files) = inputs, reader.rows == 0 else { return ending() }
          let wait = deadline - .now
          if wait <= .zero { return .idle }
          files.wait(wait, wake: wake)
          continue
        }
      }
      guard let file else { preconditionFailure("an input is open") }
      if reader.mayDecode {
        if try reader.decode(maxRows) { return .batch(reader.finish()) }
        if reader.isDone {
          self.file = nil
          continue
        }
      }
      let wait: Duration = reader.rows > 0 ? .zero : deadline - .now
      switch try decompressor.fill(reader.window, count: chunkBytes, from: file, waiting: wait, wake: wake) {
      case .bytes(let count): reader.tookBytes(count)
      case .end: reader.tookEnd()
      case .nothing:
        if reader.rows > 0 { return .batch(reader.finish()) }
        if deadline <= .now { return .idle }
      }
    }
  }

  /// What is left, and then the end.
  private func ending() -> ReadOutcome { reader.rows > 0 ? .batch(reader.finish()) : .end }

  /// Opens the next input; false when there is none, or none yet.
  private func openNext() throws(Failure) -> Bool {
    switch inputs {
    case .stdin(let input):
      guard nextSplit == 0 else { return false }
      file = input
      decompressor.restart(isStart: true)
      reader.begin(FileSplit(path: input.name, start: 0, end: .max))
    case .splits(let splits):
      guard nextSplit < splits.count else { return false }
      try open(splits[nextSplit], InputFile(path: splits[nextSplit].path))
    case .watched(let files):
      guard let split = try files.take() else { return false }
      try open(split, InputFile(path: split.path))
    }
    nextSplit += 1
    return true
  }

  private func open(_ split: FileSplit, _ input: InputFile) throws(Failure) {
    // The reader wants the byte before the split too.
    if split.start > 0 { try input.seek(to: split.start - 1) }
    decompressor.restart(isStart: split.start == 0)
    reader.begin(split)
    file = input
  }
}
