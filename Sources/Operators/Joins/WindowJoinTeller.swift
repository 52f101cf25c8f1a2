import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Windows, each of one key, that are to be told.
struct JoinWindows {
  private var slotList: [UInt32] = []
  private var lows: [Int64] = []
  private var highs: [Int64] = []
  private var starts: [Int64] = []
  private var ends: [Int64] = []

  var count: Int { slotList.count }

  /// - Parameters:
  ///   - slot: of the key.
  ///   - low, high: the first and the last time of its rows.
  mutating func append(_ slot: UInt32, from low: Int64, to high: Int64, of window: WindowSpan) {
    slotList.append(slot)
    lows.append(low)
    highs.append(high)
    starts.append(window.start)
    ends.append(window.end)
  }

  /// What they are for a search, in memory that stays in place.
  func columns() -> JoinWindowColumns {
    JoinWindowColumns(
      slots: slotList.withUnsafeBytes { Self.buffer($0) }, lows: lows.withUnsafeBytes { Self.buffer($0) },
      highs: highs.withUnsafeBytes { Self.buffer($0) }, starts: starts.withUnsafeBytes { Self.buffer($0) },
      ends: ends.withUnsafeBytes { Self.buffer($0) }, count: count)
  }

  private static func buffer(_ bytes: UnsafeRawBufferPointer) -> Buffer {
    let buffer = Buffer(byteCount: bytes.count)
    UnsafeMutableRawBufferPointer(start: buffer.unsafeMutableAddress, count: bytes.count).copyMemory(from: bytes)
    return buffer
  }
}

/// Windows as columns: UInt32 slots, and 8 bytes of the others each.
struct JoinWindowColumns {
  var slots: Buffer
  var lows: Buffer
  var highs: Buffer
  var starts: Buffer
  var ends: Buffer
  var count: Int

  /// Those of rows, by the windows that they are in.
  func gather(_ rows: Selection) -> JoinWindowColumns {
    func wide(_ buffer: Buffer) -> Buffer {
      Column(type: .int64, length: count, validity: nil, buffers: [buffer]).gather(rows).buffers[0]
    }
    return JoinWindowColumns(
      slots: Selection(indices: slots, count: count).selecting(rows).indices, lows: wide(lows), highs: wide(highs),
      starts: wide(starts), ends: wide(ends), count: rows.count)
  }
}

/// Tells what the rows of windows give together, by adding steps that do.
final class WindowJoinTeller {
  let search: JoinSearch
  private let kind: Plan.JoinKind
  private let output: JoinOutput
  private let state: JoinState
  private let steps: PendingSteps
  private let boundType: DataType
  private static let batchRows = 8_192

  init(
    _ join: Plan.Join, _ layout: JoinLayout, _ state: JoinState, _ steps: PendingSteps,
    functions: any ScalarFunctionProvider
  ) throws(Failure) {
    kind = join.kind
    self.state = state
    self.steps = steps
    search = try JoinSearch(join, layout, functions: functions)
    output = JoinOutput(layout)
    boundType = layout.schema.fields[layout.schema.fields.count - 1].type
  }

  /// Nothing is removed from the stores until the steps have run.
  func tell(_ windows: JoinWindows) {
    if windows.count == 0 { return }
    let windows = windows.columns()
    forEachRow(of: windows, input: 0) { [self] rows, windows throws(Failure) in
      if kind == .inner {
        try extend([rows], windows)
      } else {
        joinTwo(rows, windows)
      }
    }
    guard kind.keepsAll(ofInput: 1) else { return }
    forEachRow(of: windows, input: 1) { [self] rows, windows throws(Failure) in
      var found = RowMarks(count: windows.count)
      forEachPair(rows, windows, input: 1) { found.mark($0.rows) }
      steps.add { [self] () throws(Failure) in
        if let alone = found.unmarked() { try give([.none, rows.selecting(alone)], windows.gather(alone)) }
      }
    }
  }

  /// The rows of an input that are in the windows, with the windows of each.
  private func forEachRow(
    of windows: JoinWindowColumns, input: Int,
    _ body: @escaping (JoinPart, JoinWindowColumns) throws(Failure) -> Void
  ) {
    forEachMatch(of: windows, input: input, limit: Self.batchRows) {
      [store = state.stores[input]] rows, numbers throws(Failure) in
      try body(.stored(store, numbers), windows.gather(rows))
    }
  }

  /// Which of the windows, and the number of a row of an input that is in it.
  private func forEachMatch(
    of windows: JoinWindowColumns, input: Int, limit: Int,
    _ body: @escaping (Selection, Selection) throws(Failure) -> Void
  ) {
    let store = state.stores[input]
    var cursor = RowCursor()
    steps.loop { () throws(Failure) in
      let found = store.match(
        windows.slots.values(UInt32.self), count: windows.count, from: windows.lows.values(Int64.self),
        to: windows.highs.values(Int64.self), cursor: &cursor, limit: limit)
      if found.count == 0 { return false }
      try body(
        Selection(indices: found.indices, count: found.count), Selection(indices: found.numbers, count: found.count))
      return !found.isLast
    }
  }

  /// Pairs of rows of input `input`, 0 or 1, and those of the other.
  private func forEachPair(
    _ rows: JoinPart, _ windows: JoinWindowColumns, input: Int,
    _ body: @escaping (JoinPairs) throws(Failure) -> Void
  ) {
    search.forEachPair(
      rows, count: windows.count, input: input, slots: state.partnerSlots(windows.slots, count: windows.count),
      times: (windows.lows, windows.highs), in: state.stores[1 - input], steps, body)
  }

  private func joinTwo(_ rows: JoinPart, _ windows: JoinWindowColumns) {
    var found = RowMarks(count: windows.count)
    forEachPair(rows, windows, input: 0) { [self] pairs throws(Failure) in
      found.mark(pairs.rows)
      if kind.givesRowsOfFirst { return }
      try give(JoinSearch.parts(rows, pairs, input: 0, in: state.stores[1]), windows.gather(pairs.rows))
    }
    steps.add { [self] () throws(Failure) in
      if kind == .semi {
        if let marked = found.marked() { try give([rows.selecting(marked), .none], windows.gather(marked)) }
      } else if kind.keepsAll(ofInput: 0) || kind == .anti, let alone = found.unmarked() {
        try give([rows.selecting(alone), .none], windows.gather(alone))
      }
    }
  }

  /// Adds the rows of one input more to rows of those before it, and tells them when they have one of each.
  private func extend(_ parts: [JoinPart], _ windows: JoinWindowColumns) throws(Failure) {
    guard parts.count < state.stores.count else {
      guard let kept = try search.select(parts, count: windows.count) else {
        try give(parts, windows)
        return
      }
      if kept.count > 0 { try give(parts.map { $0.selecting(kept) }, windows.gather(kept)) }
      return
    }
    let store = state.stores[parts.count]
    let limit = parts.reduce(Self.batchRows) { $1.repeatLimit($0) }
    forEachMatch(of: windows, input: parts.count, limit: limit) { [self] rows, numbers throws(Failure) in
      try extend(parts.map { $0.selecting(rows) } + [.stored(store, numbers)], windows.gather(rows))
    }
  }

  private func give(_ parts: [JoinPart], _ windows: JoinWindowColumns) throws(Failure) {
    let bounds = [windows.starts, windows.ends].map {
      Column(type: boundType, length: windows.count, validity: nil, buffers: [$0])
    }
    steps.give(try output.batch(parts, count: windows.count, more: bounds))
  }
}
