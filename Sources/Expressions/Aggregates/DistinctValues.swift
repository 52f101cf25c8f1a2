import Arrow
import Base
import VolleyPlan

/// The different values that each slot has, and, for several counts of one column whose conditions differ, which of the
/// counts have each: a value is looked for once a row, however many count it.
///
/// Counts that share are updated in their order, each batch by all of them.
final class DistinctValues {
  private let type: DataType
  private let isKeyed: Bool
  /// How many counts there are: up to 32.
  let width: Int
  private var slots = SlotStates(initial: DistinctPairs.Slot())
  /// By slot, then by count; of a single count `slots` has it.
  private var counts = SlotStates<UInt32>(initial: 0)
  private var pairs = DistinctPairs()
  /// The keys of values that have no ordered ones.
  private var strings = ByteIndex()
  /// By row of the batch in hand: a bit for each count that has the row.
  private var marks = Buffer(byteCount: 0)

  /// Strings that are not worth forgetting.
  private static let leastGarbage = 1024
  static let mostCounts = 32

  init(_ type: DataType, counts width: Int) {
    self.type = type
    self.width = width
    isKeyed = OrderedColumn.hasKeys(type)
  }

  deinit {
    slots.deallocate()
    counts.deallocate()
    pairs.deallocate()
    strings.deallocate()
  }

  /// A list of the different values, and, of several counts, one of their marks.
  var stateTypes: [DataType] { width == 1 ? [.list(of: type)] : [.list(of: type), .list(of: .uint32)] }
  var slotCount: Int { slots.count }
  var byteCount: Int { slots.byteCount + counts.byteCount + pairs.byteCount + strings.byteCount }

  func grow(to slotCount: Int) throws(Failure) {
    try slots.grow(to: slotCount)
    if width > 1 { try counts.grow(to: slotCount * width) }
  }

  /// A key for each row that is valid.
  private func keys(_ column: Column, _ rows: Bits?) throws(Failure) -> Column {
    if isKeyed { return OrderedColumn.keys(column) }
    try forgetStrings()
    let buffer = Buffer(byteCount: column.length * 8)
    let keys = buffer.unsafeMutableValues(Int64.self)
    for row in 0..<column.length where rows.map({ $0.word(row, 1) == 1 }) ?? true {
      keys[row] = try strings.number(of: column.bytes(at: row))
    }
    return Column(type: .int64, length: column.length, validity: nil, buffers: [buffer])
  }

  /// Drops the strings that no slot has any more, once there must be more of them than others.
  private func forgetStrings() throws(Failure) {
    guard strings.count > 2 * pairs.count + Self.leastGarbage else { return }
    var kept = ByteIndex()
    try pairs.renumber { (number) throws(Failure) in try kept.number(of: strings[Int(number)]) }
    strings.deallocate()
    strings = kept
  }

  /// The rows of a batch as one of the counts takes them; the last one adds them.
  func update(
    _ rowSlots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput, of member: Int
  ) throws(Failure) {
    guard let argument = input.argument else { preconditionFailure("distinct values are those of an argument") }
    if width == 1 { return try add(argument, rowSlots, count: count, rows: input.complete, marks: nil) }
    if member == 0 {
      marks = Buffer(byteCount: count * 4)
      marks.unsafeMutableValues(UInt32.self).update(repeating: 0, count: count)
    }
    mark(input.complete, count: count, 1 << UInt32(member))
    guard member == width - 1 else { return }
    let marks = marks.values(UInt32.self)
    let marked = Words(count: count) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows { word |= (marks[start &+ bit] == 0 ? 0 : 1) &<< UInt64(bit) }
      return word
    }
    try add(argument, rowSlots, count: count, rows: Bits(marked.buffer.address), marks: marks)
    withExtendedLifetime(marked) {}
  }

  private func mark(_ rows: Bits?, count: Int, _ bit: UInt32) {
    let marks = marks.unsafeMutableValues(UInt32.self)
    guard let rows else {
      for row in 0..<count { marks[row] |= bit }
      return
    }
    var start = 0
    while start < count {
      let step = min(64, count &- start)
      let word = rows.word(start, step)
      for index in 0..<step {
        marks[start &+ index] |= (word &>> UInt64(index)) & 1 == 1 ? bit : 0
      }
      start &+= step
    }
  }

  private func add(
    _ values: Column, _ rowSlots: UnsafePointer<UInt32>, count: Int, rows: Bits?, marks: UnsafePointer<UInt32>?
  ) throws(Failure) {
    let column = try keys(values, rows)
    let keys = column.values(Int64.self)
    if let marks {
      try pairs.insert(rowSlots, keys, count: count, rows: rows, slots.base, marks: marks, counts.base, width)
    } else {
      try pairs.insert(rowSlots, keys, count: count, rows: rows, slots.base)
    }
    withExtendedLifetime(column) {}
  }

  func updateRunning(
    _ rowSlots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput, of member: Int
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("distinct values are those of an argument") }
    let column = try keys(argument, input.complete)
    let keys = column.values(Int64.self)
    let buffer = Buffer(byteCount: count * 8)
    let results = buffer.unsafeMutableValues(Int64.self)
    var marks = UInt32(1) << UInt32(member)
    for row in 0..<count {
      if input.complete.map({ $0.word(row, 1) == 1 }) ?? true {
        if width == 1 {
          try pairs.insert(rowSlots + row, keys + row, count: 1, rows: nil, slots.base)
        } else {
          try pairs.insert(
            rowSlots + row, keys + row, count: 1, rows: nil, slots.base, marks: &marks, counts.base, width)
        }
      }
      results[row] = distinct(rowSlots[row], member)
    }
    withExtendedLifetime(column) {}
    return Column(type: .int64, length: count, validity: nil, buffers: [buffer])
  }

  private func distinct(_ slot: UInt32, _ member: Int) -> Int64 {
    Int64(width == 1 ? slots.base[Int(slot)].count : counts.base[Int(slot) &* width &+ member])
  }

  func merge(_ rowSlots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    let lists = states[0]
    let items = lists.items
    if items.length == 0 { return }
    // Lists of states are never null.
    let offsets = lists.offsets32
    let owners = Buffer(byteCount: items.length * 4)
    let slotOfItem = owners.unsafeMutableValues(UInt32.self)
    for row in 0..<count {
      for item in offsets[row]..<offsets[row &+ 1] { slotOfItem[Int(item &- offsets[0])] = rowSlots[row] }
    }
    guard width > 1 else {
      try add(items, slotOfItem, count: items.length, rows: Bits(validityOf: items), marks: nil)
      return withExtendedLifetime((lists, owners)) {}
    }
    let marks = states[1].items
    try add(
      items, slotOfItem, count: items.length, rows: Bits(validityOf: items), marks: marks.values(UInt32.self))
    withExtendedLifetime((lists, marks, owners)) {}
  }

  func results(_ rowSlots: UnsafePointer<UInt32>, count: Int, of member: Int) -> Column {
    let buffer = Buffer(byteCount: count * 8)
    let results = buffer.unsafeMutableValues(Int64.self)
    if width == 1 {
      let slots = slots.base
      for row in 0..<count { results[row] = Int64(slots[Int(rowSlots[row])].count) }
    } else {
      let (counts, width) = (counts.base, width)
      for row in 0..<count { results[row] = Int64(counts[Int(rowSlots[row]) &* width &+ member]) }
    }
    return Column(type: .int64, length: count, validity: nil, buffers: [buffer])
  }

  func states(_ rowSlots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    let lists = try pairs.lists(
      slots.base, slotCount: slots.count, rowSlots, count: count, isMarked: width > 1)
    let items: Column
    if isKeyed {
      items = OrderedColumn.column(type, lists.keys, count: lists.itemCount)
    } else {
      items = try strings.column(
        type, UnsafeBufferPointer(start: lists.keys.values(Int64.self), count: lists.itemCount))
    }
    let values = lists.column(of: items)
    guard let marks = lists.marks else { return [values] }
    return [
      values,
      lists.column(of: Column(type: .uint32, length: lists.itemCount, validity: nil, buffers: [marks])),
    ]
  }

  func reset(_ given: UnsafePointer<UInt32>, count: Int) {
    for index in 0..<count {
      let slot = Int(given[index])
      pairs.remove(from: slots.base[slot].head)
      if width > 1 { (counts.base + slot * width).update(repeating: 0, count: width) }
    }
    slots.reset(given, count: count)
  }

  func removeAll() {
    slots.removeAll()
    counts.removeAll()
    pairs.removeAll()
    strings.removeAll()
  }
}
