import Arrow
import Base
import State
import VolleyPlan

/// The aggregates of a window that moves over panes, each of which is merged a few times however many the window has.
///
/// Two stacks, as a queue is made of them, for each key. The panes of the window are of the front up to a border and of
/// the back behind it. The back is one aggregate a key. In the front a key has an entry for each pane that it is in:
/// the aggregate of that pane and of those behind it up to the border. So the window is the key's first entry and its
/// back, a pane that leaves takes its entries with it, and when the front is used up the panes of the back become the
/// next front.
///
/// Rows that come to a pane after it was merged stand beside it (`late`) until then, and are merged for each window
/// that has them.
final class PaneStacks {
  /// Entries of one pane of the front.
  private struct Stretch {
    var start: Int64
    var entries: Range<Int>
  }

  /// The keys of the window. A key goes when no pane has it any more.
  let table: any KeyTable
  /// By key: its first entry; `none` when it has none.
  private let entryOf = SlotColumn<UInt32>(initial: PaneStacks.none)
  /// By key: the start of the last pane that has it; `absent` in a slot without a key.
  private let lastPane = SlotColumn<Int64>(initial: PaneStacks.absent)
  /// By entry: the key's next one, and the key.
  private let nextEntry = SlotColumn<UInt32>(initial: PaneStacks.none)
  private let keyOfEntry = SlotColumn<UInt32>(initial: PaneStacks.none)
  /// By entry.
  private let front: AggregateSet
  /// By key.
  let back: AggregateSet
  /// By key, of the back; nil when nobody asks.
  var mergedChanges: SlotChanges?
  /// Where the results of some keys are put together.
  private let window: AggregateSet
  /// By key: where it is among them.
  private let position = SlotColumn<UInt32>(initial: PaneStacks.none)
  /// The last of them is the first pane.
  private var stretches: [Stretch] = []
  /// What came to the window's panes after they were merged, with the keys' slots, and the next slot whose key is to be given.
  private var late: [(pane: Pane, keys: SlotBuffer)] = []
  private var next = 0
  /// Panes that begin before it are of the front, and are not asked for again.
  private(set) var border = Int64.min
  /// Panes that begin before it are merged.
  private(set) var mergedEnd = Int64.min

  private static let none = UInt32.max
  private static let absent = Int64.min

  init(keyTypes: [DataType], aggregates: AggregateSet) {
    table = makeKeyTable(keyTypes, keepingKeys: true)
    front = aggregates.another()
    back = aggregates.another()
    window = aggregates.another()
  }

  /// Bytes of memory that it holds.
  var byteCount: Int {
    table.byteCount + entryOf.byteCount + lastPane.byteCount + nextEntry.byteCount + keyOfEntry.byteCount
      + position.byteCount + front.byteCount + back.byteCount + window.byteCount
  }

  /// Moves on to a window that begins and ends no earlier than the one before. If the front `turns` it has been made anew.
  ///
  /// - Parameter panes: those of the window that are not merged, in their order, and perhaps some before it.
  func advance(to span: WindowSpan, _ panes: [Pane]) throws(Failure) {
    if span.start >= mergedEnd {
      removeAll()
      border = span.start
      mergedEnd = span.start
    }
    for pane in panes where pane.span.start >= mergedEnd { try push(pane) }
    mergedEnd = span.end
  }

  /// Whether moving on to a window makes the front anew, of the panes as they are then.
  func turns(to span: WindowSpan) -> Bool { span.start > border && span.start < mergedEnd }

  /// Whether a pane was merged, so that further rows have to stand beside it.
  func hasMerged(_ span: WindowSpan) -> Bool { span.start < mergedEnd }

  /// Forgets everything, when no pane is left.
  func removeAll() {
    table.removeAll()
    for column in [entryOf, nextEntry, keyOfEntry, position] { column.removeAll() }
    lastPane.removeAll()
    front.removeAll()
    back.removeAll()
    stretches.removeAll()
    border = .min
    mergedEnd = .min
  }

  /// The keys of a pane's slots, as slots of the table.
  private func keys(of pane: Pane) throws(Failure) -> SlotBuffer {
    let own = SlotBuffer(from: 0, count: pane.keyCount)
    let columns = try pane.table.keys(of: own.pointer, count: own.count)
    let found = SlotBuffer(count: own.count)
    try table.find(columns, rowCount: own.count, into: found.pointer)
    entryOf.grow(to: table.slotCount)
    lastPane.grow(to: table.slotCount)
    position.grow(to: table.slotCount)
    for index in 0..<found.count {
      let key = Int(found.pointer[index])
      lastPane.values[key] = max(lastPane.values[key], pane.span.start)
    }
    return found
  }

  /// Puts a pane on the back.
  private func push(_ pane: Pane) throws(Failure) {
    let own = SlotBuffer(from: 0, count: pane.keyCount)
    let keys = try keys(of: pane)
    try back.grow(to: table.slotCount)
    try back.merge(keys.pointer, count: keys.count, states: pane.aggregates.states(own.pointer, count: own.count)[...])
    mergedChanges?.mark(keys.pointer, count: keys.count, slotCount: table.slotCount)
  }

  /// Makes front and back as they were, when nothing is merged yet.
  ///
  /// - Parameter panes: those that were merged, and perhaps some behind them.
  func restore(border: Int64, mergedEnd end: Int64, _ panes: [Pane]) throws(Failure) {
    mergedEnd = border
    try turn(panes.filter { $0.span.start < border })
    for pane in panes where pane.span.start >= border && pane.span.start < end { try push(pane) }
    mergedEnd = end
  }

  /// Makes the front anew of all panes that are merged.
  func turn(_ panes: [Pane]) throws(Failure) {
    let end = mergedEnd
    removeAll()
    for pane in panes.reversed() {
      let keys = try keys(of: pane)
      let own = SlotBuffer(from: 0, count: pane.keyCount)
      let first = front.slotCount
      let entries = SlotBuffer(from: first, count: own.count)
      try front.grow(to: first + own.count)
      nextEntry.grow(to: first + own.count)
      keyOfEntry.grow(to: first + own.count)
      try front.merge(
        entries.pointer, count: own.count, states: pane.aggregates.states(own.pointer, count: own.count)[...])
      // Behind the pane's own come those of the key's next entry.
      let (linked, next) = (SlotBuffer(count: own.count), SlotBuffer(count: own.count))
      var count = 0
      for index in 0..<own.count {
        let (key, entry) = (Int(keys.pointer[index]), entries.pointer[index])
        let former = entryOf.values[key]
        linked.pointer[count] = entry
        next.pointer[count] = former
        count += former == Self.none ? 0 : 1
        nextEntry.values[Int(entry)] = former
        keyOfEntry.values[Int(entry)] = keys.pointer[index]
        entryOf.values[key] = entry
      }
      try front.merge(linked.pointer, count: count, states: front.states(next.pointer, count: count)[...])
      stretches.append(Stretch(start: pane.span.start, entries: first..<(first + own.count)))
    }
    border = end
    mergedEnd = end
  }

  /// Takes a pane away that no further window has.
  ///
  /// - Parameter late: what came to it after it was merged.
  func remove(_ span: WindowSpan, late: Pane?) throws(Failure) {
    // Of the back nothing can be taken away: it is made anew before the next window.
    guard span.start < border else { return }
    let gone = SlotBuffer(count: (stretches.last?.entries.count ?? 0) + (late?.keyCount ?? 0))
    var count = 0
    if let stretch = stretches.last, stretch.start == span.start {
      stretches.removeLast()
      for entry in stretch.entries {
        let key = keyOfEntry.values[entry]
        entryOf.values[Int(key)] = nextEntry.values[entry]
        gone.pointer[count] = key
        count += isGone(key, span) ? 1 : 0
      }
    }
    drop(gone, count)
    guard let late, late.keyCount > 0 else { return }
    let own = SlotBuffer(from: 0, count: late.keyCount)
    let keys = SlotBuffer(count: own.count)
    try table.lookup(
      late.table.keys(of: own.pointer, count: own.count), rowCount: own.count, into: keys.pointer)
    count = 0
    for index in 0..<own.count where keys.pointer[index] != Self.none {
      gone.pointer[count] = keys.pointer[index]
      count += isGone(keys.pointer[index], span) ? 1 : 0
    }
    drop(gone, count)
  }

  private func isGone(_ key: UInt32, _ span: WindowSpan) -> Bool {
    entryOf.values[Int(key)] == Self.none && lastPane.values[Int(key)] <= span.start
  }

  private func drop(_ keys: SlotBuffer, _ count: Int) {
    if count == 0 { return }
    table.remove(keys.pointer, count: count)
    lastPane.reset(keys.pointer, count: count)
  }

  /// The window's keys and their aggregates are to be given.
  ///
  /// - Parameter late: what came to the window's panes after they were merged, in the panes' order.
  func beginGiving(late panes: [Pane]) throws(Failure) {
    late = []
    for pane in panes { late.append((pane, try keys(of: pane))) }
    try back.grow(to: table.slotCount)
    next = 0
  }

  func endGiving() { late = [] }

  /// Gives some of the window's keys and their aggregates. False when there are none left.
  func giveSome(
    _ body: (_ keys: [Column], _ aggregates: AggregateSet, _ slots: SlotBuffer) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    while next < table.slotCount {
      let keys = SlotBuffer(count: min(WindowRows.batchRows, table.slotCount - next))
      var count = 0
      while next < table.slotCount, count < keys.count {
        keys.pointer[count] = UInt32(truncatingIfNeeded: next)
        count += lastPane.values[next] == Self.absent ? 0 : 1
        next += 1
      }
      if count > 0 {
        try putTogether(keys, count, body)
        return true
      }
    }
    return false
  }

  private func putTogether(
    _ keys: SlotBuffer, _ count: Int,
    _ body: ([Column], AggregateSet, SlotBuffer) throws(Failure) -> Void
  ) throws(Failure) {
    let slots = SlotBuffer(from: 0, count: count)
    window.removeAll()
    try window.grow(to: count)
    let (filled, entries) = (SlotBuffer(count: count), SlotBuffer(count: count))
    var filledCount = 0
    for index in 0..<count {
      let entry = entryOf.values[Int(keys.pointer[index])]
      filled.pointer[filledCount] = UInt32(truncatingIfNeeded: index)
      entries.pointer[filledCount] = entry
      filledCount += entry == Self.none ? 0 : 1
    }
    try window.merge(
      filled.pointer, count: filledCount, states: front.states(entries.pointer, count: filledCount)[...])
    try window.merge(slots.pointer, count: count, states: back.states(keys.pointer, count: count)[...])
    if !late.isEmpty { try mergeLate(keys, count) }
    try body(table.keys(of: keys.pointer, count: count), window, slots)
  }

  private func mergeLate(_ keys: SlotBuffer, _ count: Int) throws(Failure) {
    for index in 0..<count {
      position.values[Int(keys.pointer[index])] = UInt32(truncatingIfNeeded: index)
    }
    for (pane, found) in late {
      let (own, targets) = (SlotBuffer(count: found.count), SlotBuffer(count: found.count))
      var lateCount = 0
      for index in 0..<found.count {
        let target = position.values[Int(found.pointer[index])]
        own.pointer[lateCount] = UInt32(truncatingIfNeeded: index)
        targets.pointer[lateCount] = target
        lateCount += target == Self.none ? 0 : 1
      }
      try window.merge(
        targets.pointer, count: lateCount, states: pane.aggregates.states(own.pointer, count: lateCount)[...])
    }
    position.reset(keys.pointer, count: count)
  }
}
