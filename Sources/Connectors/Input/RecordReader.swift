import Arrow
import Base
import Observability

/// Makes rows of the bytes of one input after the other: passes byte order marks and the line that belongs to the split before,
/// sets bad and overlong records aside, and leaves the format to its decoder. Where the bytes come from is the caller's affair.
final class RecordReader {
  /// Where the next bytes go; the caller tells of them with `tookBytes` and `tookEnd`.
  let window: ByteWindow
  /// Whether bytes came that may complete a record.
  private(set) var mayDecode = false

  private let decoder: any RecordDecoder
  private let table: ColumnTable
  private let policy: BadRecordPolicy
  private let metrics: StageMetrics

  /// The input's path, or "stdin".
  private var name = ""
  private var phase = Phase.records
  /// Line ends before the split's first record; nil until a bad record asks.
  private var linesBefore: Int?

  private enum Phase {
    /// At the first bytes of a file, which may be a byte order mark.
    case mark
    /// In front of the byte where a restart goes on, of an input that can be read from its start only.
    case passed(upTo: Int64)
    /// In the line before the split's first one.
    case foreignLine
    case records
    /// In a record that is too long to be kept.
    case overlong(BadRecord)
  }

  /// - Parameters:
  ///   - metrics: where records that go to the dead-letter file are counted.
  ///   - windowBytes: room for input; it grows up to about `maxRecordBytes`.
  init(
    _ decoder: any RecordDecoder, schema: Schema, policy: BadRecordPolicy, metrics: StageMetrics = StageMetrics(),
    maxRecordBytes: Int,
    windowBytes: Int
  ) {
    self.decoder = decoder
    self.policy = policy
    self.metrics = metrics
    table = ColumnTable(schema: schema)
    window = ByteWindow(capacity: windowBytes, maxRecordBytes: maxRecordBytes)
  }

  /// The next bytes are of the part of an input that `split` names. They begin one byte before the part, if it is not at the
  /// input's start: that byte tells whether a record begins at the part's first byte.
  func begin(_ split: FileSplit) {
    name = split.path
    phase = split.start > 0 ? .foreignLine : .mark
    linesBefore = split.start > 0 ? nil : 0
    mayDecode = false
    window.restart(at: max(0, split.start - 1), splitEnd: split.end)
    decoder.beginFile(name)
  }

  /// The next bytes are of a part of an input that is read from `position` on, where a record begins.
  ///
  /// - Parameter isFromStart: they are nonetheless the first of the input.
  func goOn(_ split: FileSplit, at position: FilePosition, isFromStart: Bool) throws(Failure) {
    let at = position.at ?? split.start
    name = split.path
    phase = isFromStart ? .passed(upTo: at) : .records
    linesBefore = position.line.map { Int($0) - 1 }
    mayDecode = false
    window.restart(at: isFromStart ? 0 : at, splitEnd: split.end)
    try decoder.goOnInFile(name, header: position.header)
  }

  /// Puts down where the next record begins: behind all rows that were given and all records that were set aside.
  ///
  /// Rows that wait to go count as given.
  func note(in position: inout FilePosition) {
    position.at = nil
    position.header = nil
    position.line = nil
    switch phase {
    case .mark, .foreignLine: return
    case .passed(let at):
      position.at = at
      position.line = linesBefore.map { Int64($0 + 1) }
    case .overlong(let record):
      // It is found once more.
      position.at = record.offset
      position.line = Int64(record.line)
    case .records:
      guard decoder.isInRecords else { return }
      position.at = window.offset
      position.line = linesBefore.map { Int64($0 + window.line) }
    }
    position.header = decoder.header
  }

  /// `count` bytes were put behind the window's content.
  func tookBytes(_ count: Int) {
    // The last byte before these may be a carriage return whose meaning is known only now.
    let fresh = max(0, window.count - count - (decoder.endsAtReturn ? 1 : 0))
    mayDecode =
      window.lineEnd(from: fresh, endsAtReturn: decoder.endsAtReturn) != nil
      || window.count > window.maxRecordBytes
    if case .passed = phase { mayDecode = true }
  }

  /// The input has no further bytes.
  func tookEnd() {
    window.isAtEnd = true
    mayDecode = true
  }

  /// Complete rows that wait to go.
  var rows: Int { table.rows }

  /// The complete rows as a batch.
  func finish() -> RecordBatch { table.finish() }

  /// Whether the part has no further record.
  var isDone: Bool {
    if case .records = phase, window.offset >= window.splitEnd { return true }
    return window.isAtEnd && window.count == 0
  }

  /// Nothing more is read: what was passed in the records is counted.
  func close(_ journal: SourceJournal) {
    let skipped = decoder.skippedMembers
    guard skipped.count > 0 else { return }
    metrics.counter("members not in the schema")?.add(skipped.count)
    journal.skipsMembers(suchAs: skipped.first)
  }

  /// Decodes what the window has. Whether a batch should go.
  ///
  /// - Throws: `data` when the input as a whole cannot be read, or at a bad record whose policy is to stop.
  func decode(_ maxRows: Int) throws(Failure) -> Bool {
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
        try window.passMark(of: name)
        phase = .records
      case .passed(let upTo):
        window.advance(Int(min(Int64(window.count), upTo - window.offset)), lines: 0)
        guard window.offset == upTo else {
          guard !window.isAtEnd else {
            throw Failure(
              .data,
              "\(name): ends at byte \(window.offset), before byte \(upTo), where the checkpoint goes on; bring it back as it was, or "
                + "begin the source anew (--reset-source)")
          }
          mayDecode = false
          return false
        }
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

  private func refuse(_ span: BadSpan) throws(Failure) {
    let bytes = Array(UnsafeBufferPointer(start: window.first, count: min(span.length, BadRecord.kept)))
    let record = try badRecord(span.reason, bytes, length: span.length)
    try setAside(record)
    window.advance(span.advance, lines: span.lines)
  }

  private func setAside(_ record: BadRecord) throws(Failure) {
    try policy.handle(record)
    metrics.addDeadLetters(1)
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
    try setAside(record)
    return true
  }

  private func badRecord(_ reason: String, _ bytes: [UInt8], length: Int) throws(Failure) -> BadRecord {
    if linesBefore == nil {
      linesBefore = countLineFeeds(in: name, before: window.offset).map { $0 - (window.line - 1) }
    }
    return BadRecord(
      file: name, line: (linesBefore ?? 0) + window.line, offset: window.offset, reason: reason, bytes: bytes,
      length: length)
  }
}
