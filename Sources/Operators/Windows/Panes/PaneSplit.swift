import Arrow
import Base

/// The rows of a batch by the stretch of time that they are in: as a rule all in one.
struct PaneSplit {
  /// In the order of their first rows.
  private(set) var spans: [WindowSpan] = []
  /// By row: which span. Nil when there is one only.
  private var targets: Buffer?
  private let rowCount: Int

  /// - Parameters:
  ///   - times: of the rows that count, at least one.
  ///   - series: cuts the time.
  init(_ times: UnsafePointer<Int64>, count: Int, _ series: inout WindowSeries) throws(Failure) {
    rowCount = count
    var (earliest, latest) = (times[0], times[0])
    for row in 0..<count {
      earliest = min(earliest, times[row])
      latest = max(latest, times[row])
    }
    guard series.holds(earliest, latest) else { throw Self.beyond }
    let first = series.pane(at: earliest)
    if latest < first.end {
      spans = [first]
      return
    }
    split { row, last in last.contains(times[row]) ? last : series.pane(at: times[row]) }
  }

  /// Rows that tell their spans.
  init(starts: UnsafePointer<Int64>, ends: UnsafePointer<Int64>, count: Int) {
    rowCount = count
    var differing: Int64 = 0
    for row in 0..<count { differing |= (starts[row] ^ starts[0]) | (ends[row] ^ ends[0]) }
    if differing == 0 {
      spans = [WindowSpan(start: starts[0], end: ends[0])]
      return
    }
    split { row, _ in WindowSpan(start: starts[row], end: ends[row]) }
  }

  static let beyond = Failure(
    .data,
    "an event time is within a few windows of the ends of what microseconds in 64 bits can say, about 292,000 years around 1970; "
      + "correct it, or filter such rows out before")

  /// - Parameter span: of a row, given that of the row before.
  private mutating func split(_ span: (Int, WindowSpan) -> WindowSpan) {
    let buffer = Buffer(byteCount: rowCount * MemoryLayout<UInt32>.stride)
    let targets = buffer.unsafeMutableValues(UInt32.self)
    var known: [WindowSpan: UInt32] = [:]
    var last = WindowSpan(start: 0, end: 0)
    var target: UInt32 = 0
    for row in 0..<rowCount {
      let own = span(row, last)
      if own != last || spans.isEmpty {
        last = own
        if let found = known[own] {
          target = found
        } else {
          target = UInt32(spans.count)
          known[own] = target
          spans.append(own)
        }
      }
      targets[row] = target
    }
    self.targets = buffer
  }

  /// By row: the index of its span; nil when there is one only.
  var spanOfRow: Buffer? { targets }

  /// Calls `body` with each span and its rows, in the order of their first rows.
  func forEach(
    of batch: RecordBatch, _ body: (WindowSpan, RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard let targets else {
      try body(spans[0], batch)
      return
    }
    let groups = RowGroups(
      targets: targets.values(UInt32.self), count: rowCount, targetCount: spans.count, rows: batch.selection?.rows)
    for (index, span) in spans.enumerated() {
      if let part = batch.part(groups, index) { try body(span, part) }
    }
  }
}
