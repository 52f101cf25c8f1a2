import Arrow
import Base
import State

/// The last panes of each key, of which sliding windows of a number of rows are put together, each by a few merges
/// however many panes it has.
///
/// Two stacks a key, as of `PaneStacks`: panes of the front hold the aggregates of themselves and of those behind them
/// up to the back, panes of the back their own, and one more slot those of the whole back. What happens to different
/// keys is done together.
final class CountHistory {
  struct Key {
    /// Panes of the front and of the back.
    var front: UInt32 = 0
    var back: UInt32 = 0
    /// The slots of the first pane and of the last one, when there is one.
    var first = CountTable.none
    var last = CountTable.none
    /// Panes since the last result.
    var sinceResult: UInt32 = 0
    /// Of the aggregates of the back; `none` before the first pane.
    var backSlot = CountTable.none
  }

  /// Panes of a window, and from one result to the next.
  private let size: Int
  private let slide: Int
  let panes: CountTable
  let aggregates: AggregateSet
  private let window: AggregateSet
  let keys = SlotColumn(initial: Key())
  /// Nil when no epochs are taken.
  var entries: CountEntries?
  /// By slot of a pane: that of the key's next one.
  let next = SlotColumn<UInt32>(initial: CountTable.none)

  init(size: Int, slide: Int, panes: CountTable, aggregates: AggregateSet) {
    self.size = size
    self.slide = slide
    self.panes = panes
    self.aggregates = aggregates
    window = aggregates.another()
  }

  /// Bytes of memory that it holds.
  var byteCount: Int { keys.byteCount + next.byteCount + window.byteCount + (entries?.byteCount ?? 0) }

  /// Bytes beyond those that so many keys, and a pane and a back for each row, take at worst.
  func growth(to keyCount: Int, rows: Int) -> Int {
    keys.growth(to: keyCount) + next.growth(to: panes.slotCount + 2 * rows)
  }

  /// Adds panes, in the order of their last rows.
  ///
  /// - Parameter body: takes the rows with which windows end, ascending, and their results.
  func add(
    _ full: [CountTable.Full], keyCount: Int, _ body: ([UInt32], [Column]) throws(Failure) -> Void
  ) throws(Failure) {
    keys.grow(to: keyCount)
    // Panes of one key one after the other, those of different keys together.
    var rounds: [[CountTable.Full]] = []
    var roundOfKey: [UInt32: Int] = [:]
    for pane in full {
      let round = roundOfKey[pane.key, default: 0]
      roundOfKey[pane.key] = round + 1
      if round == rounds.count { rounds.append([]) }
      rounds[round].append(pane)
    }
    var (rows, results): ([UInt32], [[Column]]) = ([], [])
    for round in rounds {
      try push(round)
      let due = round.filter { keys.values[Int($0.key)].sinceResult == UInt32(slide) }
      if due.isEmpty { continue }
      rows += due.map(\.row)
      results.append(try self.results(due.map(\.key), withFilling: false))
      for pane in due { keys.values[Int(pane.key)].sinceResult = 0 }
      try evict(due.map(\.key))
    }
    if rows.isEmpty { return }
    let order = rows.indices.sorted { rows[$0] < rows[$1] }
    let gathered = order.map { UInt32($0) }
    var columns: [Column] = []
    for index in results[0].indices {
      columns.append(try Column.concatenate(results.map { $0[index] }).gather(gathered, count: gathered.count))
    }
    try body(order.map { rows[$0] }, columns)
  }

  private func push(_ round: [CountTable.Full]) throws(Failure) {
    for pane in round where keys.values[Int(pane.key)].backSlot == CountTable.none {
      keys.values[Int(pane.key)].backSlot = panes.takeSlot()
    }
    try aggregates.grow(to: panes.slotCount)
    next.grow(to: panes.slotCount)
    let (own, backs) = (round.map(\.slot), round.map { keys.values[Int($0.key)].backSlot })
    try aggregates.merge(backs, count: backs.count, states: aggregates.states(own, count: own.count)[...])
    entries?.panes.mark(backs, count: backs.count, slotCount: panes.slotCount)
    for pane in round {
      let key = keys.values + Int(pane.key)
      if key.pointee.front + key.pointee.back == 0 {
        key.pointee.first = pane.slot
      } else {
        next.values[Int(key.pointee.last)] = pane.slot
      }
      key.pointee.last = pane.slot
      key.pointee.back += 1
      key.pointee.sinceResult += 1
    }
  }

  /// Takes away the panes that the next window of each of these keys has not.
  private func evict(_ keyList: [UInt32]) throws(Failure) {
    let kept = size - slide
    var rest = keyList.filter { Int(keys.values[Int($0)].front + keys.values[Int($0)].back) > kept }
    while !rest.isEmpty {
      try turn(rest.filter { keys.values[Int($0)].front == 0 })
      var gone: [UInt32] = []
      for number in rest {
        let key = keys.values + Int(number)
        let first = gone.count
        defer { entries?.forget(gone[first...], of: number) }
        while key.pointee.front > 0, Int(key.pointee.front + key.pointee.back) > kept {
          gone.append(key.pointee.first)
          key.pointee.first = next.values[Int(key.pointee.first)]
          key.pointee.front -= 1
        }
      }
      aggregates.reset(gone, count: gone.count)
      panes.giveBack(gone, count: gone.count)
      rest = rest.filter { Int(keys.values[Int($0)].front + keys.values[Int($0)].back) > kept }
    }
  }

  /// Makes the back the front, for keys without a front: each pane takes in what is behind it.
  private func turn(_ keyList: [UInt32]) throws(Failure) {
    if keyList.isEmpty { return }
    // The panes of one key after the other, and how many of each are not merged yet.
    var list: [UInt32] = []
    var rest: [(start: Int, count: Int)] = []
    for number in keyList {
      let key = keys.values[Int(number)]
      rest.append((start: list.count, count: Int(key.back)))
      var pane = key.first
      for _ in 0..<key.back {
        list.append(pane)
        pane = next.values[Int(pane)]
      }
    }
    while true {
      rest = rest.filter { $0.count > 1 }
      if rest.isEmpty { break }
      let from = rest.map { list[$0.start + $0.count - 1] }
      let to = rest.map { list[$0.start + $0.count - 2] }
      try aggregates.merge(to, count: to.count, states: aggregates.states(from, count: from.count)[...])
      entries?.panes.mark(to, count: to.count, slotCount: panes.slotCount)
      for index in rest.indices { rest[index].count -= 1 }
    }
    let backs = keyList.map { keys.values[Int($0)].backSlot }
    aggregates.reset(backs, count: backs.count)
    entries?.panes.mark(backs, count: backs.count, slotCount: panes.slotCount)
    for number in keyList {
      let key = keys.values + Int(number)
      key.pointee.front = key.pointee.back
      key.pointee.back = 0
    }
  }

  /// The results of keys as they are now, the pane that is being filled included or not.
  private func results(_ keyList: [UInt32], withFilling: Bool) throws(Failure) -> [Column] {
    window.removeAll()
    try window.grow(to: keyList.count)
    func merge(_ slotOf: (UInt32) -> UInt32) throws(Failure) {
      var (from, to): ([UInt32], [UInt32]) = ([], [])
      for (index, key) in keyList.enumerated() where slotOf(key) != CountTable.none {
        from.append(slotOf(key))
        to.append(UInt32(truncatingIfNeeded: index))
      }
      try window.merge(to, count: to.count, states: aggregates.states(from, count: from.count)[...])
    }
    try merge { key in keys.values[Int(key)].front > 0 ? keys.values[Int(key)].first : CountTable.none }
    try merge { key in keys.values[Int(key)].backSlot }
    if withFilling { try merge { key in panes.fillingSlot(of: key) } }
    let slots = SlotBuffer(from: 0, count: keyList.count)
    return try window.results(slots.pointer, count: slots.count)
  }

  /// The keys that have rows since their last result.
  func unfinishedKeys(keyCount: Int) -> [UInt32] {
    keys.grow(to: keyCount)
    return (0..<UInt32(keyCount)).filter {
      keys.values[Int($0)].sinceResult > 0 || panes.fillingSlot(of: $0) != CountTable.none
    }
  }

  /// What windows of these keys have that the input ends in.
  func results(_ keyList: [UInt32]) throws(Failure) -> [Column] { try results(keyList, withFilling: true) }
}
