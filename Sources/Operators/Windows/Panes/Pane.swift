import Arrow
import Base
import State
import VolleyPlan

/// What is kept of the rows of one stretch of time: their keys, and an aggregate of each.
///
/// Slots are dense: `0..<keyCount`, in the order in which the keys came, as long as all keys are in memory.
final class Pane {
  var span: WindowSpan
  fileprivate(set) var table: any KeyTable
  fileprivate(set) var aggregates: AggregateSet
  /// Of its keys; nil when no epochs are taken.
  fileprivate(set) var changes: SlotChanges?
  /// Which of its keys are in memory; nil: all of them.
  var residents: ResidentKeys?
  /// Which of the operator's additions came to it last; counted only where keys may leave memory.
  var lastAddition = 0
  /// The most keys that it had since it was made.
  fileprivate var largest = 0

  fileprivate init(_ span: WindowSpan, table: any KeyTable, aggregates: AggregateSet, changes: SlotChanges?) {
    self.span = span
    self.table = table
    self.aggregates = aggregates
    self.changes = changes
  }

  var keyCount: Int { table.count }
  var byteCount: Int {
    table.byteCount + aggregates.byteCount + (changes?.byteCount ?? 0) + (residents?.byteCount ?? 0)
  }

  /// The slots of rows that are to be added, by their keys; new ones for new keys. Valid as long as `slots` is held.
  func find(_ keys: [Column], rowCount: Int) throws(Failure) -> SlotBuffer {
    let slots = SlotBuffer(count: rowCount)
    try table.find(keys, rowCount: rowCount, into: slots.pointer)
    try aggregates.grow(to: table.slotCount)
    changes?.mark(table.touched.slots.values(UInt32.self), count: table.touched.count, slotCount: table.slotCount)
    return slots
  }
}

/// Slots of rows.
struct SlotBuffer {
  let buffer: Buffer
  let count: Int

  init(count: Int) {
    buffer = Buffer(byteCount: count * MemoryLayout<UInt32>.stride)
    self.count = count
  }

  /// 0, 1, … from `first` on.
  init(from first: Int, count: Int) {
    self.init(count: count)
    for index in 0..<count { pointer[index] = UInt32(truncatingIfNeeded: first &+ index) }
  }

  init(_ numbers: [UInt32]) {
    self.init(count: numbers.count)
    for (index, number) in numbers.enumerated() { pointer[index] = number }
  }

  /// Over memory that has at least so many.
  init(_ buffer: Buffer, count: Int) {
    self.buffer = buffer
    self.count = count
  }

  /// What it has in those rows.
  func gather(_ rows: Selection) -> SlotBuffer { SlotBuffer(selection.selecting(rows).indices, count: rows.count) }

  /// Where it has the number of a row, and not `RowStore.missing`.
  var present: Selection { Selection((0..<count).filter { pointer[$0] != RowStore.missing }) }

  /// Its numbers as rows, sharing the memory.
  var selection: Selection { Selection(indices: buffer, count: count) }

  /// Valid as long as this value is held.
  var pointer: UnsafeMutablePointer<UInt32> { buffer.unsafeMutableValues(UInt32.self) }
}

/// Makes panes, and takes those back that are done with, so that the next ones find memory that is large enough.
final class PanePool {
  private let keyTypes: [DataType]
  private let aggregates: AggregateSet
  private var spares: [Pane] = []
  /// Whether panes note what changes. Set before the first one is made.
  var tracksChanges = false

  /// Panes that are kept for later.
  private static let spareLimit = 2

  init(keyTypes: [DataType], aggregates: AggregateSet) {
    self.keyTypes = keyTypes
    self.aggregates = aggregates
  }

  /// Columns of a key.
  var keyCount: Int { keyTypes.count }

  /// Bytes of what is kept for later.
  var byteCount: Int { spares.reduce(0) { $0 + $1.byteCount } }

  /// A pane without rows.
  func take(_ span: WindowSpan) -> Pane {
    guard let pane = spares.popLast() else {
      return Pane(
        span, table: makeKeyTable(keyTypes, keepingKeys: true), aggregates: aggregates.another(),
        changes: tracksChanges ? SlotChanges() : nil)
    }
    pane.span = span
    return pane
  }

  /// A pane of keys and aggregates of the same slots, all of which have a key.
  func makePane(_ span: WindowSpan, _ table: any KeyTable, _ aggregates: AggregateSet, _ changes: SlotChanges) -> Pane {
    Pane(span, table: table, aggregates: aggregates, changes: changes)
  }

  /// Room for keys and their aggregates that are no pane's.
  func makeTable() -> (any KeyTable, AggregateSet) { (makeKeyTable(keyTypes, keepingKeys: true), aggregates.another()) }

  /// Memory that is much larger than what the pane in hand needed is freed.
  func giveBack(_ pane: Pane) {
    pane.largest = max(pane.largest, pane.keyCount)
    guard spares.count < Self.spareLimit, pane.largest <= 4 * pane.keyCount + 1_024 else { return }
    _ = pane.changes?.forgetAll()
    pane.table.removeAll()
    pane.aggregates.removeAll()
    pane.residents = nil
    spares.append(pane)
  }

  /// Gives the memory of a pane back that has no keys in it.
  func release(_ pane: Pane) {
    precondition(pane.keyCount == 0, "memory without keys is released")
    pane.table = makeKeyTable(keyTypes, keepingKeys: true)
    pane.aggregates = aggregates.another()
    if pane.changes != nil { pane.changes = SlotChanges() }
    pane.residents?.removeAll()
  }

  /// Keeps nothing for later.
  func removeSpares() { spares = [] }
}
