import Arrow
import Base
import VolleyPlan

/// How many different values there are that are not null. All NaNs are one value, and -0.0 is 0.0.
final class DistinctCountAccumulator: Accumulator {
  private let type: DataType
  private let isKeyed: Bool
  private var states = SlotStates(initial: DistinctPairs.Slot())
  private var pairs = DistinctPairs()
  /// The keys of values that have no ordered ones.
  private var strings = ByteIndex()

  /// Strings that are not worth forgetting.
  private static let leastGarbage = 1024

  let resultType = DataType.int64
  /// A list of the different values.
  var stateTypes: [DataType] { [.list(of: type)] }
  var slotCount: Int { states.count }
  var byteCount: Int { states.byteCount + pairs.byteCount + strings.byteCount }

  /// Whether values of that type can be told apart here.
  static func takes(_ type: DataType) -> Bool {
    if OrderedColumn.hasKeys(type) { return true }
    return switch type.layout {
    case .variable32, .fixed: true
    default: false
    }
  }

  init(_ type: DataType) {
    self.type = type
    isKeyed = OrderedColumn.hasKeys(type)
  }

  deinit {
    states.deallocate()
    pairs.deallocate()
    strings.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) { try states.grow(to: slotCount) }

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

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    guard let argument = input.argument else { preconditionFailure("distinct values are those of an argument") }
    let column = try keys(argument, input.complete)
    let keys = column.values(Int64.self)
    try pairs.insert(slots, keys, count: count, rows: input.complete, states.base)
    withExtendedLifetime(column) {}
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("distinct values are those of an argument") }
    let column = try keys(argument, input.complete)
    let keys = column.values(Int64.self)
    let buffer = Buffer(byteCount: count * 8)
    let counts = buffer.unsafeMutableValues(Int64.self)
    for row in 0..<count {
      let state = states.base + Int(slots[row])
      if input.complete.map({ $0.word(row, 1) == 1 }) ?? true { try pairs.insert(slots[row], keys[row], state) }
      counts[row] = Int64(state.pointee.count)
    }
    withExtendedLifetime(column) {}
    return Column(type: .int64, length: count, validity: nil, buffers: [buffer])
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states partials: [Column]) throws(Failure) {
    let lists = partials[0]
    let items = lists.items
    if items.length == 0 { return }
    let column = try keys(items, Bits(validityOf: items))
    let keys = column.values(Int64.self)
    let first = lists.itemRange(0..<count).lowerBound
    let owners = Buffer(byteCount: items.length * 4)
    let slotOfItem = owners.unsafeMutableValues(UInt32.self)
    for row in 0..<count {
      for item in lists.itemRange(row..<(row + 1)) { slotOfItem[item - first] = slots[row] }
    }
    try pairs.insert(slotOfItem, keys, count: items.length, rows: Bits(validityOf: items), states.base)
    withExtendedLifetime(column) {}
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    states.column(.int64, slots, count: count) { Int64($0.pointee.count) }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    let lists = ListWriter(count)
    for row in 0..<count {
      let state = states.base[Int(slots[row])]
      pairs.keys(from: state.head, to: try lists.append(Int(state.count)))
    }
    let keys = lists.items
    let items: Column
    if isKeyed, let start = keys.baseAddress {
      items = OrderedColumn.column(type, start, count: keys.count)
    } else {
      items = try strings.column(type, keys)
    }
    return [lists.finish(items, emptyIsNull: false)]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    states.forEach(slots, count: count, validity: nil) { state, _ in pairs.remove(from: state.pointee.head) }
    states.reset(slots, count: count)
  }

  func removeAll() {
    states.removeAll()
    pairs.removeAll()
    strings.removeAll()
  }
}
