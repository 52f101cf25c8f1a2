import Arrow
import Base
import Dataflow
import Glibc

/// Reads records of a text format from the splits given to it, one after the other, or from stdin.
///
/// Several files make one batch when they are small. A batch that has rows never waits for more input; one without waits at
/// most as long as `read` is told.
final class TextSource: Source {
  let blocks = true
  private let inputs: Inputs
  private let decoder: any RecordDecoder
  private let table: ColumnTable
  private let window: ByteWindow
  private let policy: BadRecordPolicy
  private let journal: SourceJournal
  private let wake: WakePipe
  private let chunkBytes: Int
  private let decompressor: Decompressor

  private var hasClaim = false
  private var nextSplit = 0
  private var file: InputFile?
  /// Where the split that is read begins, in the file.
  private var splitStart: Int64 = 0
  /// Line ends before `splitStart`'s first record; nil until a bad record asks.
  private var linesBefore: Int?
  private var phase = Phase.records
  /// Whether bytes came that may complete a record.
  private var mayDecode = false

  enum Inputs {
    case splits([FileSplit])
    case watched(WatchedFiles)
    case stdin(InputFile)
  }

  private enum Phase {
    /// At the first bytes of a file, which may be a byte order mark.
    case mark
    /// In the line before the split's first one.
    case foreignLine
    case records
    /// In a record that is too long to be kept.
    case overlong(BadRecord)
  }

  /// - Parameter chunkBytes: how much is read at once.
  init(
    _ inputs: Inputs, decoder: any RecordDecoder, schema: Schema, policy: BadRecordPolicy, maxRecordBytes: Int,
    journal: SourceJournal, compression: InputCompression = .plain, chunkBytes: Int = 1 << 20
  ) throws(Failure) {
    self.inputs = inputs
    self.decoder = decoder
    self.policy = policy
    self.journal = journal
    self.chunkBytes = chunkBytes
    decompressor = Decompressor(compression)
    table = ColumnTable(schema: schema)
    window = ByteWindow(capacity: chunkBytes * 2, maxRecordBytes: maxRecordBytes)
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
    try policy.flush()
    journal.tellBadRecords(policy.counter.value, policy.deadLetterPath)
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = ContinuousClock.now + timeout
    while true {
      if wake.isWoken { return ending() }
      if file == nil {
        guard try openNext() else {
          guard case .watched(let files) = inputs, table.rows == 0 else { return ending() }
          let wait = deadline - .now
          if wait <= .zero { return .idle }
          files.wait(wait, wake: wake)
          continue
        }
      }
      guard let file else { preconditionFailure("an input is open") }
      if mayDecode {
        if try decode(maxRows) { return .batch(table.finish()) }
        if isSplitDone {
          self.file = nil
          continue
        }
      }
      let wait: Duration = table.rows > 0 ? .zero : deadline - .now
      switch try decompressor.fill(window, count: chunkBytes, from: file, waiting: wait, wake: wake) {
      case .bytes(let count):
        // The last byte before these may be a carriage return whose meaning is known only now.
        let fresh = max(0, window.count - count - (decoder.endsAtReturn ? 1 : 0))
        mayDecode =
          window.lineEnd(from: fresh, endsAtReturn: decoder.endsAtReturn) != nil
          || window.count > window.maxRecordBytes
      case .end:
        window.isAtEnd = true
        mayDecode = true
      case .nothing:
        if table.rows > 0 { return .batch(table.finish()) }
        if deadline <= .now { return .idle }
      }
    }
  }

  /// What is left, and then the end.
  private func ending() -> ReadOutcome { table.rows > 0 ? .batch(table.finish()) : .end }

  private var isSplitDone: Bool {
    if window.isAtEnd { return window.count == 0 }
    guard case .records = phase else { return false }
    return window.offset >= window.splitEnd
  }

  /// Opens the next input; false when there is none, or none yet.
  private func openNext() throws(Failure) -> Bool {
    phase = .mark
    mayDecode = false
    linesBefore = 0
    switch inputs {
    case .stdin(let input):
      guard nextSplit == 0 else { return false }
      file = input
      splitStart = 0
      window.restart(at: 0, splitEnd: .max)
      decompressor.restart(isStart: true)
      decoder.beginFile(input.name)
    case .splits(let splits):
      guard nextSplit < splits.count else { return false }
      try open(splits[nextSplit], InputFile(path: splits[nextSplit].path))
    case .watched(let files):
      while file == nil {
        guard let split = try files.take() else { return false }
        var status = stat()
        if stat(split.path, &status) != 0, errno == ENOENT {
          journal.tellLost(split.path)
        } else {
          try open(split, InputFile(path: split.path))
        }
      }
    }
    nextSplit += 1
    return true
  }

  private func open(_ split: FileSplit, _ input: InputFile) throws(Failure) {
    splitStart = split.start
    if split.start > 0 {
      // The byte before the split tells whether a record begins at the split's first byte.
      try input.seek(to: split.start - 1)
      phase = .foreignLine
      linesBefore = nil
    }
    window.restart(at: max(0, split.start - 1), splitEnd: split.end)
    decompressor.restart(isStart: split.start == 0)
    decoder.beginFile(split.path)
    file = input
  }

  /// Decodes what the window has. Whether a batch should go.
  private func decode(_ maxRows: Int) throws(Failure) -> Bool {
    while true {
      switch phase {
      case .mark:
        guard window.count >= 3 || window.isAtEnd else {
          // Two bytes may already be a record, but are no mark unless they begin like one.
          if window.count > 0, ![0xEF, 0xFE, 0xFF].contains(window.first.pointee) {
            phase = .records
            continue
          }
          mayDecode = false
          return false
        }
        if window.count >= 3, window.first[0] == 0xEF, window.first[1] == 0xBB, window.first[2] == 0xBF {
          window.advance(3, lines: 0)
        }
        try refuseUTF16()
        phase = .records
      case .foreignLine:
        guard let feed = window.lineFeed() else {
          window.advance(window.count, lines: 0)
          mayDecode = false
          return false
        }
        window.advance(feed + 1, lines: 0)
        phase = .records
      case .overlong(var record):
        guard try skipOverlong(&record) else {
          phase = .overlong(record)
          mayDecode = false
          return false
        }
        phase = .records
      case .records:
        switch try decoder.decode(window, into: table, maxRows: maxRows) {
        case .full: return true
        case .bad(let span): try refuse(span)
        case .needsMore:
          mayDecode = false
          guard window.count > window.maxRecordBytes, window.offset < window.splitEnd else { return false }
          try beginOverlong()
        }
      }
    }
  }

  /// A file in UTF-16 would be one bad record a line.
  private func refuseUTF16() throws(Failure) {
    guard window.count >= 2, let file else { return }
    let mark = (window.first[0], window.first[1])
    guard mark == (0xFF, 0xFE) || mark == (0xFE, 0xFF) else { return }
    throw Failure(
      .data,
      "\(file.name): begins with the byte order mark of UTF-16, expected UTF-8; convert it, as with 'iconv -f UTF-16 -t UTF-8'"
    )
  }

  private func refuse(_ span: BadSpan) throws(Failure) {
    let bytes = Array(UnsafeBufferPointer(start: window.first, count: min(span.length, BadRecord.kept)))
    let record = try badRecord(span.reason, bytes, length: span.length)
    try policy.handle(record)
    window.advance(span.advance, lines: span.lines)
  }

  /// The record at the window's start is longer than allowed, and its end is not in sight.
  private func beginOverlong() throws(Failure) {
    let bytes = Array(UnsafeBufferPointer(start: window.first, count: min(window.count, BadRecord.kept)))
    let reason =
      "the record has more than the \(window.maxRecordBytes) bytes that 'maxRecordBytes' allows"
      + (window.first.pointee == UInt8(ascii: "\"") ? ", perhaps because a quote is never closed" : "")
    let record = try badRecord(reason, bytes, length: 0)
    // Its end may be far, or never come.
    if policy.stops { try policy.handle(record) }
    phase = .overlong(record)
  }

  /// Passes bytes of an overlong record up to its line end. Whether that was reached.
  private func skipOverlong(_ record: inout BadRecord) throws(Failure) -> Bool {
    let end = window.lineEnd(endsAtReturn: decoder.endsAtReturn)
    // A carriage return at the end stays until it is known what follows.
    let isOpen = end == nil && !window.isAtEnd && decoder.endsAtReturn && window.count > 0
    let kept = isOpen && window.first[window.count - 1] == 13 ? 1 : 0
    record.length += end?.distance ?? window.count - kept
    window.advance(end.map { $0.distance + $0.count } ?? window.count - kept, lines: end == nil ? 0 : 1)
    guard end != nil || window.isAtEnd else { return false }
    record.bytes.removeLast(max(0, record.bytes.count - record.length))
    try policy.handle(record)
    return true
  }

  private func badRecord(_ reason: String, _ bytes: [UInt8], length: Int) throws(Failure) -> BadRecord {
    guard let file else { preconditionFailure("a bad record comes from an open file") }
    if linesBefore == nil {
      linesBefore = countLineFeeds(in: file.name, before: window.offset).map { $0 - (window.line - 1) }
    }
    return BadRecord(
      file: file.name, line: (linesBefore ?? 0) + window.line, offset: window.offset, reason: reason, bytes: bytes,
      length: length)
  }
}
