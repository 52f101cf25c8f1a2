import Arrow
import Base
import VolleyPlan

/// The value of one row of each slot: the first or the last one, or the one whose order is least or greatest.
///
/// Each slot knows the number of its value in a pool. A batch is gone through to find its winners; only their values
/// are then added, and the pool is compacted when more than half of it is no slot's any more.
final class ChosenValueAccumulator: Accumulator {
  /// Which row is chosen.
  enum Choice {
    case first, last
    /// Rows whose value is null are passed over.
    case least, greatest
  }

  private let skipsNulls: Bool
  /// Of rows of equal order the last one, else the first.
  private let takesLast: Bool
  /// -1 before the first row.
  private var numbers = SlotStates<Int64>(initial: -1)
  /// Slots that have a value.
  private var live = 0
  private var values: ValuePool
  /// What the rows are ordered by, numbered as the values are.
  private var orders: ValuePool?
  private var order: RowOrder?

  /// Garbage below so many values is not worth a compaction.
  private static let leastGarbage = 1024

  let resultType: DataType
  /// What orders the chosen row, or else whether there is one; its value.
  let stateTypes: [DataType]
  var slotCount: Int { numbers.count }
  var byteCount: Int {
    numbers.byteCount + values.byteCount + (orders?.byteCount ?? 0) + (order?.byteCount ?? 0)
  }

  init(_ choice: Choice, _ type: DataType, by order: DataType?) {
    resultType = type
    stateTypes = [order ?? .bool, type]
    values = ValuePool(type)
    skipsNulls = choice == .least || choice == .greatest
    takesLast = choice == .last
    if let order {
      orders = ValuePool(order)
      self.order = RowOrder(order, descending: choice == .last || choice == .greatest)
    } else {
      precondition(!skipsNulls, "the least and the greatest are those of an order")
    }
  }

  deinit {
    numbers.deallocate()
    order?.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) {
    try numbers.grow(to: slotCount)
    try order?.grow(to: slotCount)
  }

  private func rows(_ input: AggregateInput) -> Bits? {
    if skipsNulls { return input.complete }
    return input.by == nil ? input.included : input.ordered
  }

  /// A winner's number is that of its row, from the pool's count on.
  ///
  /// - Parameter before: called with each row that counts before it is looked at.
  @inline(__always)  // Two callers, one of which does nothing before a row.
  private func choose(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ input: AggregateInput, before: (_ row: Int) -> Void
  ) {
    let start = Int64(values.count)
    let numbers = numbers.base
    let takesLast = takesLast
    var found = 0
    if let order, let by = input.by, let orders {
      order.choose(
        slots, count: count, by: by, rows: rows(input), takesLast: takesLast, before: before
      ) { slot in
        numbers[slot] >= 0
      } current: { slot in
        let number = numbers[slot]
        if number >= start { return by.bytes(at: Int(number - start)) }
        let place = orders.place(Int(number))
        return place.column.bytes(at: place.row)
      } take: { slot, row in
        if numbers[slot] < 0 { found &+= 1 }
        numbers[slot] = start &+ Int64(row)
      }
    } else {
      self.numbers.forEach(slots, count: count, validity: rows(input)) { number, row in
        before(row)
        let isNew = number.pointee < 0
        found &+= isNew ? 1 : 0
        if isNew || takesLast { number.pointee = start &+ Int64(row) }
      }
    }
    live += found
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    guard let argument = input.argument else { preconditionFailure("a chosen value is that of an argument") }
    let start = Int64(values.count)
    choose(slots, count, input) { _ in }
    let winners = Buffer(byteCount: count * 4)
    let rows = winners.unsafeMutableValues(UInt32.self)
    var won = 0
    for row in 0..<count {
      let number = numbers.base + Int(slots[row])
      guard number.pointee == start + Int64(row) else { continue }
      number.pointee = start + Int64(won)  // Not above the row's number: no later row is taken for it.
      rows[won] = UInt32(truncatingIfNeeded: row)
      won += 1
    }
    try values.append(argument.gather(rows, count: won))
    if let by = input.by { try orders?.append(by.gather(rows, count: won)) }
    try compact()
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("a chosen value is that of an argument") }
    let buffer = Buffer(byteCount: count * 8)
    let chosen = buffer.unsafeMutableValues(Int64.self)
    let numbers = numbers.base
    var done = 0
    choose(slots, count, input) { row in
      while done < row {
        chosen[done] = numbers[Int(slots[done])]
        done &+= 1
      }
    }
    for row in done..<count { chosen[row] = numbers[Int(slots[row])] }
    // Any row may be some row's result: all of them are kept until the next compaction.
    try values.append(argument)
    if let by = input.by { try orders?.append(by) }
    let results = try values.gather(chosen, count: count)
    try compact()
    return results
  }

  private func compact() throws(Failure) {
    guard values.count > 2 * live + Self.leastGarbage else { return }
    let buffer = Buffer(byteCount: live * 8)
    let kept = buffer.unsafeMutableValues(Int64.self)
    var count = 0
    for slot in 0..<numbers.count where numbers.base[slot] >= 0 {
      kept[count] = numbers.base[slot]
      numbers.base[slot] = Int64(count)
      count += 1
    }
    try values.keep(kept, count: count)
    try orders?.keep(kept, count: count)
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    let input =
      order == nil
      ? AggregateInput(argument: states[1], condition: states[0], count: count)
      : AggregateInput(argument: states[1], by: states[0], count: count)
    try update(slots, count: count, input)
  }

  private func numbers(_ slots: UnsafePointer<UInt32>, _ count: Int) -> Buffer {
    let buffer = Buffer(byteCount: count * 8)
    let numbers = buffer.unsafeMutableValues(Int64.self)
    for row in 0..<count { numbers[row] = self.numbers.base[Int(slots[row])] }
    return buffer
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    let buffer = numbers(slots, count)
    defer { withExtendedLifetime(buffer) {} }
    return try values.gather(buffer.values(Int64.self), count: count)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    let buffer = numbers(slots, count)
    let numbers = buffer.values(Int64.self)
    defer { withExtendedLifetime(buffer) {} }
    let first: Column
    if let orders {
      first = try orders.gather(numbers, count: count)
    } else {
      first = Words(count: count) { start, rows in
        var word: UInt64 = 0
        for bit in 0..<rows { word |= (numbers[start &+ bit] >= 0 ? 1 : 0) << UInt64(bit) }
        return word
      }.column()
    }
    return [first, try values.gather(numbers, count: count)]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    numbers.forEach(slots, count: count, validity: nil) { number, _ in live -= number.pointee < 0 ? 0 : 1 }
    numbers.reset(slots, count: count)
  }

  func removeAll() {
    numbers.removeAll()
    live = 0
    values.removeAll()
    orders?.removeAll()
    order?.removeAll()
  }
}
