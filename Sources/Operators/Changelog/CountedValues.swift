import Arrow
import Base
import Keys
import State
import VolleyPlan

/// How often each value of a group is there: how many different ones there are, or the least or greatest of them.
///
/// A value that is there no more is forgotten, or, where extremes are wanted, at the latest when most of what is kept of its group is such.
final class CountedValues: RetractingAggregate {
  enum Extreme {
    case least
    case greatest
  }

  private let form: OrderForm?
  private let argument: DataType
  private let result: DataType
  private let extreme: Extreme?
  /// (slot, value) to a pair. Extremes take words for values.
  private let pairs: any KeyTable
  private let counts = SlotColumn<Int64>(initial: 0)
  /// By pair, whether the group's heap has it.
  private let isInHeap = SlotColumn<Bool>(initial: false)
  /// By slot: values that are there.
  private let different = SlotColumn<Int64>(initial: 0)
  /// By slot: values whose count is not 0.
  private let held = SlotColumn<Int64>(initial: 0)
  private var heaps: [ValueHeap] = []
  private var heapBytes = 0
  /// Of pairs; nil when no epochs are taken.
  private var changes: SlotChanges?
  /// Pairs with an entry that are there no more, by group and value.
  private var gone: [(groups: Column, values: Column)] = []

  init(_ argument: DataType, result: DataType, extreme: Extreme?) {
    self.result = result
    self.argument = argument
    self.extreme = extreme
    form = extreme == nil ? nil : OrderForm(argument)
    pairs = makeKeyTable([.uint32, extreme == nil ? argument : .uint64], keepingKeys: true)
  }

  var byteCount: Int {
    pairs.byteCount + counts.byteCount + isInHeap.byteCount + different.byteCount + held.byteCount + heapBytes
      + heaps.capacity * MemoryLayout<ValueHeap>.stride + (changes?.byteCount ?? 0)
  }

  func growth(_ argument: Column?, rows: Int, slotCount: Int) -> Int {
    let pairCount = pairs.slotCount + rows
    let own = counts.growth(to: pairCount) + isInHeap.growth(to: pairCount) + 2 * different.growth(to: slotCount)
    // A pair takes an entry of at most twice its size, and about as much as its value in the table.
    return own + rows * 128 + 2 * (argument?.byteCount ?? 0) + pairs.byteCount / 2
      + (extreme == nil ? 0 : 2 * slotCount * MemoryLayout<ValueHeap>.stride)
  }

  func grow(to slotCount: Int) {
    different.grow(to: slotCount)
    held.grow(to: slotCount)
    if extreme != nil, heaps.count < slotCount {
      heaps.append(contentsOf: repeatElement(ValueHeap(), count: slotCount - heaps.count))
    }
  }

  func update(
    _ slots: UnsafePointer<UInt32>, weights: UnsafePointer<Int64>, count: Int, _ argument: Column?
  ) throws(Failure) {
    guard let argument else { preconditionFailure("values are counted of an argument") }
    var rows: [UInt32] = []
    rows.reserveCapacity(count)
    for row in 0..<count where weights[row] != 0 && argument.isValid(row) {
      rows.append(UInt32(truncatingIfNeeded: row))
    }
    if rows.isEmpty { return }
    let groups = Buffer(byteCount: rows.count * 4)
    for (index, row) in rows.enumerated() { groups.unsafeMutableValues(UInt32.self)[index] = slots[Int(row)] }
    var values = try KeyColumn.plain(argument.gather(rows, count: rows.count))
    if let form { values = words(values, form) }
    let keys = [Column(type: .uint32, length: rows.count, validity: nil, buffers: [groups]), values]
    let found = SlotBuffer(count: rows.count)
    try pairs.find(keys, rowCount: rows.count, into: found.pointer)
    counts.grow(to: pairs.slotCount)
    isInHeap.grow(to: pairs.slotCount)
    countRows(rows, weights, groups.values(UInt32.self), found, values)
    try note(found)
    forget()
  }

  /// Words of values, the extreme one the least.
  private func words(_ values: Column, _ form: OrderForm) -> Column {
    let buffer = Buffer(byteCount: values.length * 8)
    let words = buffer.unsafeMutableValues(UInt64.self)
    form.words(values, into: words, stride: 1)
    if extreme == .greatest {
      for row in 0..<values.length { words[row] = form.isFloat && words[row] == Self.nan ? .max : ~words[row] }
    }
    return Column(type: .uint64, length: values.length, validity: nil, buffers: [buffer])
  }

  private static let nan = UInt64(0x7FF8_0000_0000_0000) ^ 1 << 63

  private func countRows(
    _ rows: [UInt32], _ weights: UnsafePointer<Int64>, _ groups: UnsafePointer<UInt32>, _ found: SlotBuffer,
    _ values: Column
  ) {
    let (counts, different) = (counts.values, different.values)
    for (index, row) in rows.enumerated() {
      let (pair, group) = (Int(found.pointer[index]), Int(groups[index]))
      let former = counts[pair]
      counts[pair] = former &+ weights[Int(row)]
      if former == 0 { held.values[group] &+= 1 } else if counts[pair] == 0 { held.values[group] &-= 1 }
      if former <= 0 && counts[pair] > 0 {
        different[group] &+= 1
        if extreme != nil, !isInHeap.values[pair] {
          isInHeap.values[pair] = true
          heapBytes += ValueHeap.entryBytes
          heaps[group].push(values.values(UInt64.self)[index], found.pointer[index])
        }
      } else if former > 0 && counts[pair] <= 0 {
        different[group] &-= 1
      }
    }
  }

  // MARK: Entries

  var stateFields: [Field] { [] }
  func states(_: Selection) -> [Column] { [] }
  func restore(_: SlotBuffer, _: ArraySlice<Column>) {}

  /// The type of a value in an entry.
  var valueType: DataType { extreme == nil ? argument : result }

  func trackChanges() { changes = SlotChanges() }

  private func note(_ found: SlotBuffer) throws(Failure) {
    guard let changes else { return }
    changes.mark(found.pointer, count: found.count, slotCount: pairs.slotCount)
    let touched = pairs.touched
    let slots = touched.slots.values(UInt32.self)
    let none = (0..<touched.count).map { slots[$0] }.filter { counts.values[Int($0)] == 0 }
    guard let stored = changes.forget(none, count: none.count) else { return }
    gone.append(try address(stored))
  }

  /// The groups of pairs, and the values.
  private func address(_ slots: Selection) throws(Failure) -> (groups: Column, values: Column) {
    let columns = try pairs.keys(of: slots.rows, count: slots.count)
    guard let form else { return (columns[0], columns[1]) }
    let words = columns[1].values(UInt64.self)
    let own = slotColumn(.uint64, Selection(Array(0..<slots.count))) { word(words[Int($0)]) }
    return (columns[0], form.column(own, as: result))
  }

  /// Calls `body` with the groups and values that are gone since the last call.
  func takeGone(_ body: (_ groups: Column, _ values: Column) throws(Failure) -> Void) throws(Failure) {
    defer { gone = [] }
    for part in gone { try body(part.groups, part.values) }
  }

  /// Calls `body` with the groups and values of what has changed, and how often each is there.
  func takeChanges(
    _ body: (_ groups: Column, _ values: Column, _ counts: Column) throws(Failure) -> Void
  ) throws(Failure) {
    try changes?.take { slots throws(Failure) in
      let (groups, values) = try address(slots)
      try body(groups, values, slotColumn(.int64, slots) { counts.values[Int($0)] })
    }
  }

  /// Puts values of groups back.
  func restore(_ groups: SlotBuffer, values column: Column, counts restored: Column) throws(Failure) {
    var values = try KeyColumn.plain(column)
    if let form { values = words(values, form) }
    let found = SlotBuffer(count: groups.count)
    let keys = [Column(type: .uint32, length: groups.count, validity: nil, buffers: [groups.buffer]), values]
    try pairs.find(keys, rowCount: groups.count, into: found.pointer)
    counts.grow(to: pairs.slotCount)
    isInHeap.grow(to: pairs.slotCount)
    let rows = (0..<groups.count).map { UInt32(truncatingIfNeeded: $0) }
    countRows(rows, restored.values(Int64.self), groups.pointer, found, values)
    withExtendedLifetime(restored) {}
    changes?.markStored(found.pointer, count: found.count, slotCount: pairs.slotCount)
  }

  // MARK: Forgetting

  /// Forgets the touched pairs that nothing is known of any more.
  private func forget() {
    let touched = pairs.touched
    let slots = touched.slots.values(UInt32.self)
    remove((0..<touched.count).map { slots[$0] }.filter { counts.values[Int($0)] == 0 && !isInHeap.values[Int($0)] })
  }

  private func remove(_ gone: [UInt32]) {
    if gone.isEmpty { return }
    counts.reset(gone, count: gone.count)
    isInHeap.reset(gone, count: gone.count)
    pairs.remove(gone, count: gone.count)
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    guard extreme != nil, let form else {
      return try eightByteColumn(.int64, count: count) { UInt64(bitPattern: different.values[Int(slots[$0])]) }
    }
    let words = try eightByteColumn(.uint64, count: count) { row in self.extreme(of: Int(slots[row])) }
    return form.column(words, as: result)
  }

  /// The word of a group's extreme, as the form has it; nil when it has no value.
  private func extreme(of group: Int) -> UInt64? {
    if different.values[group] <= 0 {
      clear(group)
      return nil
    }
    var gone: [UInt32] = []
    let isThere: (UInt32) -> Bool = { [counts] in counts.values[Int($0)] > 0 }
    // Each entry that goes has been paid for by what put it there.
    if heaps[group].count > 2 * Int(different.values[group]) + 16 { heaps[group].keep(isThere, dropped: &gone) }
    while let top = heaps[group].top, !isThere(top.pair) {
      gone.append(top.pair)
      heaps[group].pop()
    }
    drop(gone)
    return heaps[group].top.map { word($0.word) }
  }

  /// What the form has of a word by which values are ordered here.
  private func word(_ word: UInt64) -> UInt64 {
    guard extreme == .greatest else { return word }
    return word == .max && form?.isFloat == true ? Self.nan : ~word
  }

  private func clear(_ group: Int) {
    var gone: [UInt32] = []
    heaps[group].keep({ _ in false }, dropped: &gone)
    drop(gone)
  }

  /// These pairs have left their heaps.
  private func drop(_ gone: [UInt32]) {
    heapBytes -= gone.count * ValueHeap.entryBytes
    for pair in gone { isInHeap.values[Int(pair)] = false }
    // One that was taken away more often than it came waits for the rest.
    remove(gone.filter { counts.values[Int($0)] == 0 })
  }

  func isClear(_ slot: UInt32) -> Bool { held.values[Int(slot)] == 0 }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    if extreme != nil { for index in 0..<count { clear(Int(slots[index])) } }
    different.reset(slots, count: count)
  }
}

/// Values of a group by their words, the least on top.
struct ValueHeap {
  struct Entry {
    var word: UInt64
    var pair: UInt32
  }

  /// Bytes of an entry, with what arrays keep in reserve.
  static let entryBytes = 2 * MemoryLayout<Entry>.stride

  private var entries: [Entry] = []

  var count: Int { entries.count }
  var top: Entry? { entries.first }

  mutating func push(_ word: UInt64, _ pair: UInt32) {
    entries.append(Entry(word: word, pair: pair))
    var index = entries.count - 1
    while index > 0, entries[index].word < entries[(index - 1) / 2].word {
      entries.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func pop() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    sink(0)
  }

  /// Drops the entries of pairs that are not wanted.
  mutating func keep(_ isWanted: (UInt32) -> Bool, dropped: inout [UInt32]) {
    for entry in entries where !isWanted(entry.pair) { dropped.append(entry.pair) }
    entries.removeAll { !isWanted($0.pair) }
    for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < entries.count && entries[child].word < entries[least].word {
        least = child
      }
      if least == index { return }
      entries.swapAt(index, least)
      index = least
    }
  }
}
