import Arrow
import Base
import Keys
import VolleyPlan

/// Values as dictionaries.
enum DictionaryCasts {
  /// Each distinct value once, in the order in which they first come; nulls have no value.
  ///
  /// - Parameter column: of the dictionary's value type.
  static func encode(_ column: Column, to target: DataType) throws(Failure) -> Column {
    guard case .dictionary(let index, _, _) = target, let shape = index.integerShape else {
      preconditionFailure("\(target) is no dictionary")
    }
    let largest = shape.bits == 64 ? Int(Int32.max) : 1 << (shape.bits - (shape.isSigned ? 1 : 0))
    var found = DistinctRows(column)
    let indices = Buffer(byteCount: column.length * 8)
    let numbers = indices.unsafeMutableValues(Int64.self)
    for row in 0..<column.length {
      guard column.isValid(row) else {
        numbers[row] = 0
        continue
      }
      let number = found.number(of: row)
      guard number < largest else {
        throw Failure(
          .data,
          "cast: a batch has more than \(largest) distinct values, and \(target) counts no more; "
            + "use a dictionary with wider indices, or smaller batches (--batch-rows)")
      }
      numbers[row] = Int64(number)
    }
    let rows = Column(
      type: .int64, length: column.length, validity: commonValidity([column], count: column.length), buffers: [indices])
    let typed = try CastKernels.cast(rows, to: index)
    let values = column.gather(Selection(found.first))
    return Column(
      type: target, length: column.length, validity: typed.validity, buffers: typed.buffers, children: [values])
  }
}

/// Numbers the distinct values of a column, by their bytes where it has them.
private struct DistinctRows {
  /// The first row of each value.
  private(set) var first: [Int] = []
  private let column: Column
  private var byBytes: ByteTable?
  private var byLiteral: [Literal: Int] = [:]

  init(_ column: Column) {
    self.column = column
    switch column.type.layout {
    case .variable32, .variable64, .view, .fixed: byBytes = ByteTable()
    default: byBytes = nil
    }
  }

  mutating func number(of row: Int) -> Int {
    let next = first.count
    if byBytes != nil {
      let column = column
      let first = first
      let found = byBytes?.number(of: column.bytes(at: row), next) { column.bytes(at: first[$0]) } ?? next
      if found == next { self.first.append(row) }
      return found
    }
    let literal = column.literal(at: row)
    if let found = byLiteral[literal] { return found }
    byLiteral[literal] = next
    first.append(row)
    return next
  }
}

/// A hash table of byte strings that lie elsewhere: open addressing, at most half full.
private struct ByteTable {
  /// Numbers of values; -1 for none.
  private var slots = [Int32](repeating: -1, count: 64)
  private var hashes: [UInt64] = []

  /// The value's number; `next` when it is new, and then it is known from now on.
  mutating func number(
    of bytes: UnsafeBufferPointer<UInt8>, _ next: Int, value: (Int) -> UnsafeBufferPointer<UInt8>
  ) -> Int {
    let hash = XXH3.hash64(UnsafeRawBufferPointer(bytes))
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let found = Int(slots[slot])
      if hashes[found] == hash, TextOrder.equal(value(found), bytes) { return found }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(next)
    hashes.append(hash)
    if hashes.count * 2 > slots.count { grow() }
    return next
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (number, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(number)
    }
  }
}
