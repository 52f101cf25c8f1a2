import Arrow
import Base
import Dataflow
import Glibc
import Observability

/// Reads records of a text format from the splits given to it, one after the other, or from stdin.
///
/// Several files make one batch when they are small. A batch that has rows never waits for more input; one without waits at
/// most as long as `read` is told.
final class TextSource: FileReadingSource {
  let blocks = true
  private let inputs: Inputs
  private let reader: RecordReader
  private let policy: BadRecordPolicy
  private let journal: SourceJournal
  private let wake: WakePipe
  private let chunkBytes: Int
  private let compression: InputCompression
  private let decompressor: Decompressor

  private var hasClaim = false
  private var hasBegun = false
  private var file: InputFile?
  /// The split that is read, as it was when it was begun.
  private var current: FilePosition?

  enum Inputs {
    case files(FileInputs)
    case stdin(InputFile)

    /// Some splits, of a source of one subtask.
    static func splits(_ splits: [FileSplit]) -> Inputs { .files(FileInputs(splits, place: "")) }
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
    self.compression = compression
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
    if case .files(let files) = inputs { try files.open() }
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
          guard case .files(let files) = inputs, let watched = files.watched, reader.rows == 0 else { return ending() }
          let wait = deadline - .now
          if wait <= .zero { return .idle }
          watched.wait(wait, wake: wake)
          continue
        }
      }
      guard let file else { preconditionFailure("an input is open") }
      if reader.mayDecode {
        if try reader.decode(maxRows) { return .batch(reader.finish()) }
        if reader.isDone {
          finishSplit()
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

  private func finishSplit() {
    file = nil
    guard var current, case .files(let files) = inputs else { return }
    current.isDone = true
    files.finish([current])
    self.current = nil
  }

  /// Opens the next input; false when there is none, or none yet.
  private func openNext() throws(Failure) -> Bool {
    switch inputs {
    case .stdin(let input):
      guard !hasBegun else { return false }
      hasBegun = true
      file = input
      decompressor.restart(isStart: true)
      reader.begin(FileSplit(path: input.name, start: 0, end: .max))
    case .files(let files):
      guard let part = try files.next() else { return false }
      let input = try InputFile(path: part.split.path)
      let found = input.found.map { FileRecord($0, size: part.split.fileBytes) }
      current = part.position ?? FilePosition(part.split, file: found)
      var split = part.split
      // Where the record begins that is the first not to be read.
      if let bound = part.bound { split.end = bound.at ?? split.start }
      if let position = part.position, let at = position.at {
        try goOn(split, position, at, input)
      } else {
        // The reader wants the byte before the split too.
        if split.start > 0 { try input.seek(to: split.start - 1) }
        decompressor.restart(isStart: split.start == 0)
        reader.begin(split)
      }
      file = input
    }
    return true
  }

  private func goOn(
    _ split: FileSplit, _ position: FilePosition, _ at: Int64, _ input: InputFile
  ) throws(Failure) {
    let isPlain = split.start > 0 || compression.isPlain(split.path)
    if isPlain { try input.seek(to: at) }
    decompressor.restart(isStart: !isPlain)
    try reader.goOn(split, at: position, isFromStart: !isPlain)
  }
}

extension TextSource {
  func filePositions() -> [FilePosition] {
    guard case .files(let files) = inputs else { return [] }
    return files.filePositions(currentPosition)
  }

  func positions() throws(Failure) -> [SplitPosition] {
    guard case .files(let files) = inputs else { return [] }
    return try files.positions(currentPosition)
  }

  func missing(of positions: [SplitPosition]) -> [String] {
    guard case .files(let files) = inputs else { return [] }
    return files.missing(of: positions)
  }

  func resume(at positions: [SplitPosition]) throws(Failure) {
    guard case .files(let files) = inputs else { preconditionFailure("what is read from stdin is not read again") }
    try files.resume(at: positions)
  }

  func end(at positions: [SplitPosition]) throws(Failure) {
    guard case .files(let files) = inputs else { preconditionFailure("what is read from stdin is not read again") }
    try files.end(at: positions)
  }

  private var currentPosition: [FilePosition] {
    guard var position = current, let file else { return [] }
    reader.note(in: &position)
    position.tail = position.at.flatMap { decompressor.isPlain ? file.tailHash(before: $0) : nil }
    return [position]
  }
}
