import Arrow
import Base
import CPlatform
import VolleyPlan

/// Rows by slot: the sides of a join, the lists of a process function, the rows of a top-N.
///
/// Rows are appended in batches under the slots of their keys, each with a time. `match` finds the rows of slots, in the order in which they
/// were appended, as numbers; a number is a row's name until it is removed, and goes to a later row then. `columns` and `batch` give
/// the rows that numbers name, so a join looks at pairs of numbers first and builds the columns of those that it keeps. Rows are removed by
/// number, by slot, or as `popExpired` names them by time.
///
/// A row is kept in one piece (`RowLayout`), since one that is found by its key would cost a cache miss a column otherwise. It takes its
/// bytes, of each text or list four more, and 8 bytes of header; 32 bytes for its number; a slot takes 8; with `expiring` a row takes 16
/// more. Removed rows take up to as much again before the others move together. No call costs more than the rows that it touches, however
/// many there are, and none allocates by row. One thread at a time.
public final class RowStore {
  /// What is known of a number.
  struct Entry {
    /// Where the row is; nil when the number is free.
    var address: UnsafeMutableRawPointer?
    var time: Int64
    /// The neighbours among the slot's rows, but that of a slot's first row nothing is said of what is before it; of a free number, the next
    /// free one.
    var next: UInt32
    var previous: UInt32
    var slot: UInt32
    /// Twice how often the number was given to a row, and one more when the row is marked.
    var state: UInt32

    static let markBit: UInt32 = 1
  }

  /// The number of no row.
  public static let missing = UInt32.max

  public let schema: Schema
  let layout: RowLayout
  let pages = RowPages()
  let ends: RowEnds
  /// By number. Those below `count` were given to rows, or are free.
  let entries: SlotColumn<Entry>
  var firstFree = RowStore.missing
  var freeCount = 0
  /// By time, when rows expire: a timer's slot is the row's number, its tag the entry's `state` without the mark.
  let expiry: TimeBuckets?
  /// By bit of the layout: whether a row has had a null there.
  var sawNull: [Bool]
  /// A row of nulls, which the number of no row stands for.
  let nullRow: UnsafeMutableRawPointer
  var scratch = RowScratch()
  /// What has changed; nil when nobody asks.
  var notes: RowNotes?
  /// Bytes of the largest row so far.
  var largestRow = 1

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  static let ahead = 40
  /// Rows that are worked on together where there is much to do for each. What they need is asked for in a loop of nothing else: where a page
  /// lies that the processor does not know holds up what is behind the question, and among other work few such questions are under way.
  static let askedRows = 128

  /// - Parameter expiring: whether rows are found by their times, for `popExpired`.
  public convenience init(_ schema: Schema, expiring: Bool) {
    self.init(schema, expiring: expiring, RowEnds(storeCount: 1)[0])
  }

  /// Stores of the same slots, one a schema: what each knows of a slot lies beside what the others know of it, so that who looks for a
  /// slot's rows in one, and appends some to another, has one cache miss of it.
  public static func sharingSlots(_ schemas: [Schema], expiring: Bool) -> [RowStore] {
    let ends = RowEnds(storeCount: schemas.count)
    return schemas.enumerated().map { RowStore($1, expiring: expiring, ends[$0]) }
  }

  private init(_ schema: Schema, expiring: Bool, _ ends: RowEnds) {
    self.schema = schema
    self.ends = ends
    layout = RowLayout(schema)
    entries = SlotColumn(initial: Entry(address: nil, time: 0, next: .max, previous: .max, slot: .max, state: 0))
    expiry = expiring ? TimeBuckets() : nil
    sawNull = [Bool](repeating: false, count: layout.bitCount)
    nullRow = .allocate(byteCount: layout.fixedSize + RowPages.slack, alignment: 16)
    nullRow.initializeMemory(as: UInt8.self, repeating: 0, count: layout.fixedSize + RowPages.slack)
    for byte in layout.bitsPlace..<layout.fixedSize { nullRow.storeBytes(of: 0xFF, toByteOffset: byte, as: UInt8.self) }
    markEnds(layout.fields)
  }

  deinit {
    nullRow.deallocate()
    scratch.deallocate()
  }

  /// Gives the row of nulls values of no length.
  private func markEnds(_ fields: [RowLayout.Field]) {
    for field in fields {
      switch field.kind {
      case .bytes:
        nullRow.storeBytes(of: UInt32(truncatingIfNeeded: layout.fixedSize), toByteOffset: field.place, as: UInt32.self)
      case .record(let fields): markEnds(fields)
      default: break
      }
    }
  }

  /// Rows that are there.
  public var rowCount: Int { entries.count - freeCount }

  /// Bytes of memory that it holds.
  public var byteCount: Int {
    pages.byteCount + ends.byteCount + entries.byteCount + (expiry?.byteCount ?? 0) + scratch.byteCount
      + (notes?.byteCount ?? 0)
  }

  /// Bytes beyond those that appending a batch takes at worst, when there are `slotCount` slots by then.
  public func growth(appending batch: RecordBatch, slotCount: Int) -> Int {
    let rows = batch.rowCount
    // A value in a list takes up to five bytes beside its own.
    let bytes = 6 * batch.byteCount + rows * (layout.fixedSize + 8)
    let numberCount = entries.count + max(0, rows - freeCount)
    return pages.growth(appending: bytes) + ends.growth(to: slotCount) + entries.growth(to: numberCount)
      + (expiry?.growth(pushing: rows) ?? 0) + scratch.growth(rows) + (notes?.growth(to: numberCount) ?? 0)
  }

  /// Makes room for slots below `slotCount`. New ones have no rows.
  public func grow(to slotCount: Int) { ends.grow(to: slotCount) }

  /// Appends a batch's rows: row i of those that count to the rows of slot `slots[i]`, which is below what was last grown to.
  ///
  /// - Parameters:
  ///   - times: by row, microseconds; nil: all are 0.
  ///   - numbers: room for each row's number; or nil.
  /// - Throws: a `data` failure when there are 2^32 rows, or when one is too large; then none was appended.
  public func append(
    _ batch: RecordBatch, slots: UnsafePointer<UInt32>, times: UnsafePointer<Int64>? = nil,
    numbers: UnsafeMutablePointer<UInt32>? = nil
  ) throws(Failure) {
    let count = batch.rowCount
    if count == 0 { return }
    let columns = batch.columns.indices.map { batch.compactedColumn($0) }
    let writer = try RowWriter(layout, columns, count: count)
    scratch.reserve(count)
    writer.sizes(into: scratch.sizes)
    try check(count)
    for row in 0..<count { largestRow = max(largestRow, scratch.sizes[row]) }
    let added = numbers ?? scratch.numbers
    takeNumbers(count, added)
    for row in 0..<count {
      scratch.addresses[row] = pages.append(number: added[row], size: scratch.sizes[row])
    }
    writer.write(to: scratch.addresses, ends: scratch.ends) { sawNull[$0] = true }
    link(added, slots, times, count)
    notes?.append(added, count: count, numberCount: entries.count)
    withExtendedLifetime(columns) {}
  }

  private func check(_ count: Int) throws(Failure) {
    guard rowCount + count < Int(UInt32.max) else {
      throw Failure(
        .data,
        "more than 4,294,967,294 rows are kept in one subtask: raise the parallelism, or keep rows for a shorter time")
    }
    for row in 0..<count where scratch.sizes[row] > Int(Int32.max) {
      throw Failure(
        .data,
        "a row of \(scratch.sizes[row]) bytes cannot be kept by its key, since 2147483647 fit; select fewer columns before"
      )
    }
  }

  /// Gives numbers to rows.
  private func takeNumbers(_ count: Int, _ numbers: UnsafeMutablePointer<UInt32>) {
    var taken = 0
    while taken < count && firstFree != Self.missing {
      numbers[taken] = firstFree
      firstFree = entries.values[Int(firstFree)].next
      freeCount -= 1
      taken += 1
    }
    let first = entries.count
    entries.grow(to: first + count - taken)
    for row in taken..<count { numbers[row] = UInt32(truncatingIfNeeded: first + row - taken) }
  }

  /// Forgets all rows and slots.
  public func removeAll() {
    notes?.removeAll(entries.values)
    pages.removeAll()
    ends.removeAll()
    entries.removeAll()
    firstFree = Self.missing
    freeCount = 0
    largestRow = 1
    expiry?.removeAll()
  }
}
