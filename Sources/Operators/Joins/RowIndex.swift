import Arrow
import Base
import Keys
import State

/// The rows of a store by the hash of their values, so that one that is taken back is found however many rows its key
/// has.
///
/// A row takes 12 bytes, and a value that is there 32 to 64.
final class RowIndex {
  /// A row's place in the ring of those that have its hash, which are in the order in which they came.
  private struct Link: BitwiseCopyable {
    var next = RowStore.missing
    var previous = RowStore.missing
    /// Of the ring; that of no ring for a row that is not found here.
    var ring = RowStore.missing
  }

  private let store: RowStore
  /// The columns that count.
  private let columns: [Int]
  /// Those of them that can be hashed.
  private let hashed: [Int]
  private let rings = makeKeyTable([.uint64], keepingKeys: true)
  /// By ring.
  private let firsts = SlotColumn(initial: RowStore.missing)
  /// By number of a row.
  private let links = SlotColumn(initial: Link())
  /// Rows that are compared together.
  private static let blockRows = 1_024

  /// - Parameter columns: those whose values tell rows from others; a key is among them.
  init(_ store: RowStore, columns: [Int]) {
    self.store = store
    self.columns = columns
    hashed = columns.filter { KeyColumn.objection(to: store.schema.fields[$0].type) == nil }
  }

  var byteCount: Int { rings.byteCount + firsts.byteCount + links.byteCount }

  /// Bytes that new rows may take at worst.
  ///
  /// - Parameter rows: without a selection.
  func growth(adding rows: RecordBatch) throws(Failure) -> Int {
    rings.growth([try hashes(rows)], rowCount: rows.length) + firsts.growth(to: rings.slotCount + rows.length)
      + links.growth(to: links.count + rows.length)
  }

  /// - Parameters:
  ///   - rows: without a selection.
  ///   - numbers: those that the store gave them.
  func add(_ rows: RecordBatch, _ numbers: SlotBuffer) throws(Failure) {
    let ringOf = SlotBuffer(count: numbers.count)
    try rings.find([try hashes(rows)], rowCount: numbers.count, into: ringOf.pointer)
    firsts.grow(to: rings.slotCount)
    for row in 0..<numbers.count {
      links.grow(to: Int(numbers.pointer[row]) + 1)
      link(numbers.pointer[row], ringOf.pointer[row])
    }
  }

  /// Rows that the store is about to lose are found no longer.
  func remove(_ numbers: UnsafePointer<UInt32>, count: Int) {
    var left: [UInt32] = []
    for index in 0..<count {
      let number = Int(numbers[index])
      if number >= links.count || links.values[number].ring == RowStore.missing { continue }
      left.append(links.values[number].ring)
      unlink(numbers[index])
    }
    release(left)
  }

  /// By row of a batch, a row that has the same values, the first of those to come; `RowStore.missing` where there is
  /// none. The rows that are named are found no longer, and none of them is named twice.
  ///
  /// - Parameter rows: without a selection.
  func take(_ rows: RecordBatch) throws(Failure) -> SlotBuffer {
    let count = rows.length
    let (ringOf, found) = (SlotBuffer(count: count), SlotBuffer(count: count))
    try rings.lookup([try hashes(rows)], rowCount: count, into: ringOf.pointer)
    var left: [UInt32] = []
    for row in 0..<count {
      let ring = ringOf.pointer[row]
      found.pointer[row] = ring == RowStore.missing ? RowStore.missing : firsts.values[Int(ring)]
      if found.pointer[row] == RowStore.missing { continue }
      unlink(found.pointer[row])
      left.append(ring)
    }
    let kept = try store.columns(of: found.pointer, count: count, columns)
    let others = (0..<count).filter {
      found.pointer[$0] != RowStore.missing && !isEqual(kept, $0, to: rows, $0)
    }
    if !others.isEmpty { try takeOthers(others, rows, ringOf, found) }
    release(left)
    return found
  }

  /// Looks at all rows of a hash, since the first ones have other values: of columns that are not hashed, or by chance.
  @inline(never)  // The slow path.
  private func takeOthers(
    _ others: [Int], _ rows: RecordBatch, _ ringOf: SlotBuffer, _ found: SlotBuffer
  ) throws(Failure) {
    for row in others.reversed() {
      link(found.pointer[row], ringOf.pointer[row])
      firsts.values[Int(ringOf.pointer[row])] = found.pointer[row]
      found.pointer[row] = RowStore.missing
    }
    for row in 0..<rows.length where found.pointer[row] == RowStore.missing && ringOf.pointer[row] != RowStore.missing {
      found.pointer[row] = try search(rows, row, ringOf.pointer[row])
      if found.pointer[row] != RowStore.missing { unlink(found.pointer[row]) }
    }
  }

  private func search(_ rows: RecordBatch, _ row: Int, _ ring: UInt32) throws(Failure) -> UInt32 {
    let first = firsts.values[Int(ring)]
    var next = first
    while next != RowStore.missing {
      var block: [UInt32] = []
      while next != RowStore.missing && block.count < Self.blockRows {
        block.append(next)
        next = links.values[Int(next)].next
        if next == first { next = RowStore.missing }
      }
      let kept = try store.columns(of: block, count: block.count, columns)
      if let place = block.indices.first(where: { isEqual(kept, $0, to: rows, row) }) { return block[place] }
    }
    return RowStore.missing
  }

  private func isEqual(_ kept: [Column], _ place: Int, to rows: RecordBatch, _ row: Int) -> Bool {
    zip(kept, columns).allSatisfy { $0.isEqual(place, to: rows.columns[$1], row) }
  }

  private func hashes(_ rows: RecordBatch) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: rows.length * 8)
    KeyHasher.hash(
      columns: try KeyColumn.plain(hashed.map { rows.columns[$0] }), rows: rows.length,
      into: buffer.unsafeMutableValues(UInt64.self))
    return Column(type: .uint64, length: rows.length, validity: nil, buffers: [buffer])
  }

  /// Puts a row at the end of a ring.
  private func link(_ number: UInt32, _ ring: UInt32) {
    let links = links.values
    let first = firsts.values[Int(ring)]
    guard first != RowStore.missing else {
      firsts.values[Int(ring)] = number
      links[Int(number)] = Link(next: number, previous: number, ring: ring)
      return
    }
    let last = links[Int(first)].previous
    links[Int(number)] = Link(next: first, previous: last, ring: ring)
    links[Int(last)].next = number
    links[Int(first)].previous = number
  }

  private func unlink(_ number: UInt32) {
    let links = links.values
    let link = links[Int(number)]
    links[Int(number)].ring = RowStore.missing
    links[Int(link.previous)].next = link.next
    links[Int(link.next)].previous = link.previous
    guard firsts.values[Int(link.ring)] == number else { return }
    firsts.values[Int(link.ring)] = link.next == number ? RowStore.missing : link.next
  }

  /// Forgets the rings, of some, that have no row.
  private func release(_ rings: [UInt32]) {
    let empty = Set(rings.filter { firsts.values[Int($0)] == RowStore.missing }).sorted()
    if !empty.isEmpty { self.rings.remove(empty, count: empty.count) }
  }
}
