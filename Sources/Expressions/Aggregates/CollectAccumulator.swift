import Arrow
import Base
import VolleyPlan

/// A list of the values of all rows, nulls included, in the order in which they came; null for no rows.
///
/// The values of all slots lie in one pool, and each knows the number of the next one of its slot.
final class CollectAccumulator: Accumulator {
  private struct Chain {
    var head: UInt32
    var tail: UInt32
    var count: UInt32
  }

  private var chains = SlotStates<Chain>(initial: Chain(head: 0, tail: 0, count: 0))
  private var nexts = SlotStates<UInt32>(initial: 0)
  private var values: ValuePool
  /// Values that are some slot's.
  private var live = 0

  /// Garbage below so many values is not worth a compaction.
  private static let leastGarbage = 1024

  let resultType: DataType
  var stateTypes: [DataType] { [resultType] }
  var slotCount: Int { chains.count }
  var byteCount: Int { chains.byteCount + nexts.byteCount + values.byteCount }

  init(_ type: DataType) {
    resultType = .list(of: type)
    values = ValuePool(type)
  }

  deinit {
    chains.deallocate()
    nexts.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) { try chains.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    let number = try add(input, count)
    try link(slots, count, input.included, from: number) { (_) throws(Failure) in }
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    let number = try add(input, count)
    let lists = ListWriter(count)
    var done = 0
    try link(slots, count, input.included, from: number) { (row) throws(Failure) in
      while done < row {
        try append(to: lists, Int(slots[done]))
        done &+= 1
      }
    }
    for row in done..<count { try append(to: lists, Int(slots[row])) }
    return try lists.finish(values)
  }

  /// Adds the values of the rows that count; gives the number of the first.
  private func add(_ input: AggregateInput, _ count: Int) throws(Failure) -> UInt32 {
    guard let argument = input.argument else { preconditionFailure("values are collected of an argument") }
    if let included = input.included {
      return try add(argument.gather(Words(count: count) { included.word($0, $1) }.selection))
    }
    return try add(argument)
  }

  private func add(_ column: Column) throws(Failure) -> UInt32 {
    try compact()
    let number = values.count
    guard number + column.length < Int(UInt32.max) else {
      throw Failure(
        .data,
        "collect: more than 4,294,967,294 values in one subtask; raise the parallelism, or bound them with a filter")
    }
    try nexts.grow(to: number + column.length)
    try values.append(column)
    live += column.length
    return UInt32(number)
  }

  /// Drops the values of slots that were reset, once they are more than the others.
  private func compact() throws(Failure) {
    guard values.count > 2 * live + Self.leastGarbage else { return }
    let buffer = Buffer(byteCount: live * 8)
    let kept = buffer.unsafeMutableValues(Int64.self)
    var count: UInt32 = 0
    for slot in 0..<chains.count {
      let chain = chains.base + slot
      var number = chain.pointee.head
      if chain.pointee.count > 0 { chain.pointee.head = count }
      for _ in 0..<chain.pointee.count {
        kept[Int(count)] = Int64(number)
        number = nexts.base[Int(number)]
        count += 1
      }
      if chain.pointee.count > 0 { chain.pointee.tail = count - 1 }
    }
    try values.keep(kept, count: Int(count))
    live = Int(count)
    nexts.truncate(to: Int(count))
    // The values of a slot lie one after the other now.
    for number in 0..<Int(count) { nexts.base[number] = UInt32(number + 1) }
  }

  /// Appends values to their slots' chains: those of the rows that count have the numbers from `number` on.
  @inline(__always)  // Two callers, one of which does nothing before a row.
  private func link(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ rows: Bits?, from number: UInt32,
    before: (_ row: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let nexts = nexts.base
    var number = number
    try chains.forEach(slots, count: count, validity: rows) { (chain, row) throws(Failure) in
      try before(row)
      Self.append(number, to: chain, nexts)
      number &+= 1
    }
  }

  @inline(__always)  // Part of the loop over the rows.
  private static func append(
    _ number: UInt32, to chain: UnsafeMutablePointer<Chain>, _ nexts: UnsafeMutablePointer<UInt32>
  ) {
    if chain.pointee.count == 0 {
      chain.pointee.head = number
    } else {
      nexts[Int(chain.pointee.tail)] = number
    }
    chain.pointee.tail = number
    chain.pointee.count &+= 1
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    let lists = states[0]
    let items = lists.items
    let start = try add(items)
    if items.length == 0 { return }
    let first = lists.itemRange(0..<count).lowerBound
    for row in 0..<count where lists.isValid(row) {
      for item in lists.itemRange(row..<(row + 1)) {
        Self.append(start + UInt32(item - first), to: chains.base + Int(slots[row]), nexts.base)
      }
    }
  }

  private func append(to lists: ListWriter, _ slot: Int) throws(Failure) {
    let chain = chains.base[slot]
    var number = chain.head
    let target = try lists.append(Int(chain.count))
    for index in 0..<Int(chain.count) {
      target[index] = Int64(number)
      number = nexts.base[Int(number)]
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    let lists = ListWriter(count)
    for row in 0..<count { try append(to: lists, Int(slots[row])) }
    return try lists.finish(values)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    [try results(slots, count: count)]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    chains.forEach(slots, count: count, validity: nil) { chain, _ in live -= Int(chain.pointee.count) }
    chains.reset(slots, count: count)
  }

  func removeAll() {
    chains.removeAll()
    nexts.removeAll()
    values.removeAll()
    live = 0
  }
}
