import Arrow
import Base
import Dataflow
import State

/// A row of a key: one that is kept, by its number, or one of the batch in hand, by its row.
struct RankedRow: Hashable {
  /// No row.
  static let none = RankedRow(bits: .max)
  private static let newBit: UInt64 = 1 << 32

  let bits: UInt64

  init(bits: UInt64) { self.bits = bits }
  init(new row: Int) { bits = UInt64(truncatingIfNeeded: row) | Self.newBit }
  init(kept number: UInt32) { bits = UInt64(number) }

  /// Whether it is of the batch in hand.
  var isNew: Bool { bits & Self.newBit != 0 }
  /// The row of the batch, or the number.
  var index: UInt32 { UInt32(truncatingIfNeeded: bits) }
}

/// Compares rows by the values that they are ordered by, where words do not tell them apart.
final class RankTies {
  private let order: RankOrder
  private let store: RowStore
  /// The rows of the batch in hand, and its columns by part, as far as they were needed.
  private var rows: (any DeferredRows)?
  private var columns: [Column] = []

  /// A byte 0 and a byte 1: the bits of booleans have no address.
  private let flags: UnsafeMutableRawPointer

  init(_ order: RankOrder, _ store: RowStore) {
    self.order = order
    self.store = store
    flags = .allocate(byteCount: 2, alignment: 1)
    for value: UInt8 in 0...1 { flags.storeBytes(of: value, toByteOffset: Int(value), as: UInt8.self) }
  }

  deinit { flags.deallocate() }

  /// - Parameter columns: of the first parts.
  func begin(_ rows: any DeferredRows, _ columns: [Column]) {
    self.rows = rows
    self.columns = columns
  }

  func end() {
    rows = nil
    columns = []
  }

  /// Few rows are equal in all parts that have words: the columns of the others are put together for the first that
  /// are.
  private func fetch(_ part: Int) throws(Failure) {
    guard let rows else { preconditionFailure("new rows are compared while their batch is in hand") }
    while columns.count <= part { columns.append(try order.column(columns.count, of: rows)) }
  }

  /// Below 0 when the first one comes first; 0 when they are equal in all parts from this one on.
  @inline(never)  // Most comparisons end with the words.
  func order(_ left: RankedRow, _ right: RankedRow, from first: Int) throws(Failure) -> Int {
    for index in first..<order.parts.count {
      let part = order.parts[index]
      switch (try value(left, index, part.column), try value(right, index, part.column)) {
      case (nil, nil): continue
      case (nil, _): return part.nullsFirst ? -1 : 1
      case (_, nil): return part.nullsFirst ? 1 : -1
      case (let left?, let right?):
        let found = part.form.order(left, right)
        if found != 0 { return part.descending ? -found : found }
      }
    }
    return 0
  }

  private func value(_ row: RankedRow, _ part: Int, _ column: Int) throws(Failure) -> UnsafeRawBufferPointer? {
    guard row.isNew else { return store.bytes(of: row.index, column) }
    if part >= columns.count { try fetch(part) }
    let index = Int(row.index)
    guard columns[part].isValid(index) else { return nil }
    if case .bool = columns[part].type {
      return UnsafeRawBufferPointer(start: flags + (columns[part].bit(index) ? 1 : 0), count: 1)
    }
    return UnsafeRawBufferPointer(columns[part].bytes(at: index))
  }
}
