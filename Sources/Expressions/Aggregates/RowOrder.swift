import Arrow
import Base
import VolleyPlan

/// The order by which `arg_min`, `arg_max` and ordered `first` and `last` choose rows: what each slot's row so far is ordered by.
///
/// The least comes first: of a descending order keys are reversed. A NaN comes behind all numbers in both directions.
struct RowOrder {
  private enum Bests {
    /// Ordered keys.
    case keys(SlotStates<Int64>)
    case decimals(SlotStates<Int128>)
    /// The first eight bytes, as a number: most comparisons end there, the others read the values.
    case bytes(SlotStates<UInt64>)
  }

  private let descending: Bool
  private var bests: Bests

  /// Whether values of that type can be ordered.
  static func takes(_ type: DataType) -> Bool {
    switch type {
    case .utf8, .binary, .fixedSizeBinary, .decimal128: true
    default: OrderedColumn.hasKeys(type)
    }
  }

  init(_ type: DataType, descending: Bool) {
    self.descending = descending
    switch type {
    case .utf8, .binary, .fixedSizeBinary: bests = .bytes(SlotStates(initial: 0))
    case .decimal128: bests = .decimals(SlotStates(initial: 0))
    default: bests = .keys(SlotStates(initial: 0))
    }
  }

  var byteCount: Int {
    switch bests {
    case .keys(let states): states.byteCount
    case .decimals(let states): states.byteCount
    case .bytes(let states): states.byteCount
    }
  }

  func deallocate() {
    switch bests {
    case .keys(let states): states.deallocate()
    case .decimals(let states): states.deallocate()
    case .bytes(let states): states.deallocate()
    }
  }

  mutating func grow(to count: Int) throws(Failure) {
    switch bests {
    case .keys(var states):
      try states.grow(to: count)
      bests = .keys(states)
    case .decimals(var states):
      try states.grow(to: count)
      bests = .decimals(states)
    case .bytes(var states):
      try states.grow(to: count)
      bests = .bytes(states)
    }
  }

  mutating func removeAll() {
    switch bests {
    case .keys(var states):
      states.removeAll()
      bests = .keys(states)
    case .decimals(var states):
      states.removeAll()
      bests = .decimals(states)
    case .bytes(var states):
      states.removeAll()
      bests = .bytes(states)
    }
  }

  /// Calls `take` with each row of `rows` that comes before its slot's row so far, in order: it is the slot's row from then on. A
  /// slot without a row takes any.
  ///
  /// - Parameters:
  ///   - takesLast: whether a row also comes before one of equal order.
  ///   - before: called with each row before it is looked at.
  ///   - hasRow: whether the slot has a row.
  ///   - current: the bytes that the slot's row so far is ordered by.
  func choose(
    _ slots: UnsafePointer<UInt32>, count: Int, by column: Column, rows: Bits?, takesLast: Bool,
    before: (_ row: Int) -> Void, hasRow: (_ slot: Int) -> Bool,
    current: (_ slot: Int) -> UnsafeBufferPointer<UInt8>, take: (_ slot: Int, _ row: Int) -> Void
  ) {
    switch bests {
    case .keys(let states):
      let keyed = OrderKeys(descending: descending).keys(column)
      let keys = keyed.values(Int64.self)
      forEachRow(count, rows) { row in
        before(row)
        let slot = Int(slots[row])
        let (old, new) = (states.base[slot], keys[row])
        guard !hasRow(slot) || new < old || new == old && takesLast else { return }
        states.base[slot] = new
        take(slot, row)
      }
      withExtendedLifetime(keyed) {}
    case .decimals(let states):
      let values = column.values(Int128.self)
      forEachRow(count, rows) { row in
        before(row)
        let slot = Int(slots[row])
        let (old, new) = (states.base[slot], values[row])
        guard !hasRow(slot) || (descending ? new > old : new < old) || new == old && takesLast else { return }
        states.base[slot] = new
        take(slot, row)
      }
    case .bytes(let states):
      forEachRow(count, rows) { row in
        before(row)
        let slot = Int(slots[row])
        let bytes = column.bytes(at: row)
        let (old, new) = (states.base[slot], BytePrefix.of(bytes))
        if hasRow(slot) {
          var order = new < old ? -1 : 1
          if new == old { order = TextOrder.order(bytes, current(slot)) }
          if descending { order = -order }
          guard order < 0 || order == 0 && takesLast else { return }
        }
        states.base[slot] = new
        take(slot, row)
      }
    }
  }

  @inline(__always)  // The closure becomes the loop's body.
  private func forEachRow(_ count: Int, _ rows: Bits?, _ body: (Int) -> Void) {
    guard let rows else {
      for row in 0..<count { body(row) }
      return
    }
    var start = 0
    while start < count {
      let step = min(64, count &- start)
      var word = rows.word(start, step)
      while word != 0 {
        body(start &+ word.trailingZeroBitCount)
        word &= word &- 1
      }
      start &+= step
    }
  }
}

/// The first bytes of strings as numbers that compare as they do.
enum BytePrefix {
  /// The first eight bytes, the first one highest, 0 past the end.
  static func of(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
    guard let start = text.baseAddress else { return 0 }
    if text.count >= 8 { return UInt64(bigEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self)) }
    var prefix: UInt64 = 0
    for index in 0..<text.count { prefix |= UInt64(start[index]) &<< UInt64(56 &- 8 &* index) }
    return prefix
  }
}
