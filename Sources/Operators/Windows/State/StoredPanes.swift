import Arrow
import Base
import State

/// Puts a window together of the entries that its panes have in the database, which has all of them: gives its keys and their
/// aggregates, and removes what no window to come needs.
///
/// The entries of a key lie one after the other, by their panes. So it goes through the whole table, some entries at a time, and has
/// those of a few keys in memory. What the panes of a cumulative window have of a key becomes one entry, of a pane without length at
/// the window's start.
///
/// It changes the database at once: see `StoredWindow`.
final class StoredPanes {
  private let window: WindowSpan
  /// No window to come needs panes that begin before it.
  private let nextStart: Int64
  /// Whether entries become one, since windows to come need them all.
  private let combines: Bool
  private let database: StateDatabase
  private let keyCount: Int
  private let cursor: StateCursor
  private var isDone = false
  /// Keys of entries in hand, and what these make together.
  private let keys: any KeyTable
  private let aggregates: AggregateSet
  /// By key: whether there is more of it than one entry that stays.
  private let isNew = SlotColumn<Bool>(initial: false)
  /// Entries that it has left in the database so far; those that it has made count twice if they were there before.
  private(set) var leftCount = 0

  /// - Parameters:
  ///   - start: of the window behind it.
  ///   - isGrowing: whether windows are cumulative.
  ///   - pool: of the panes.
  init(
    _ window: WindowSpan, before start: Int64, isGrowing: Bool, _ database: StateDatabase, _ pool: PanePool
  ) throws(Failure) {
    self.window = window
    nextStart = start
    combines = isGrowing && start < window.end
    self.database = database
    keyCount = pool.keyCount
    (keys, aggregates) = pool.makeTable()
    database.waitUntilSettled()
    cursor = database.cursor(table: WindowTables.panes)
  }

  /// Looks at some entries. False, and no call, when there are no more.
  func giveSome(_ body: WindowResults) throws(Failure) -> Bool {
    if isDone { return false }
    var changes = StateChanges()
    if let entries = try cursor.next(WindowRows.batchRows) {
      try add(entries, &changes)
      try give(&changes, body)
      try keepLast()
    } else {
      isDone = true
      if keys.count == 0 { return false }
      try give(&changes, body)
    }
    // Few at a time, which a file for each of these would make many files of.
    try database.apply(changes, inBuffers: true)
    return true
  }

  /// Adds those entries that are of the window, and notes which are to go.
  private func add(_ entries: RecordBatch, _ changes: inout StateChanges) throws(Failure) {
    let (starts, ends) = (entries.columns[keyCount], entries.columns[keyCount + 1])
    var (own, gone, new): ([Int], [Int], [Bool]) = ([], [], [])
    for row in 0..<entries.length {
      let span = WindowSpan(start: starts.values(Int64.self)[row], end: ends.values(Int64.self)[row])
      let isOwn = span.start >= window.start && span.start < window.end && span.end <= window.end
      let hasLength = span.end > span.start
      if isOwn {
        own.append(row)
        new.append(hasLength)
      }
      if combines ? isOwn && hasLength : span.start < nextStart { gone.append(row) }
    }
    leftCount += entries.length - gone.count
    if !gone.isEmpty {
      let addresses = entries.addresses(of: database, WindowTables.panes)
      changes.remove(
        gone.count == entries.length ? addresses : addresses.selecting(Selection(gone)).compacted(),
        table: WindowTables.panes)
    }
    if own.isEmpty { return }
    let rows = own.count == entries.length ? entries : entries.selecting(Selection(own)).compacted()
    let slots = SlotBuffer(count: rows.length)
    try keys.find(Array(rows.columns.prefix(keyCount)), rowCount: rows.length, into: slots.pointer)
    try aggregates.grow(to: keys.slotCount)
    try aggregates.merge(
      slots.pointer, count: slots.count, states: rows.columns.dropFirst(keyCount + WindowTables.bounds.count))
    if !combines { return }
    isNew.grow(to: keys.slotCount)
    for index in 0..<slots.count where new[index] { isNew.values[Int(slots.pointer[index])] = true }
  }

  /// Gives the keys in hand, but for the last one as long as there may be more of it.
  private func give(_ changes: inout StateChanges, _ body: WindowResults) throws(Failure) {
    let count = isDone ? keys.slotCount : keys.slotCount - 1
    if count <= 0 { return }
    let slots = SlotBuffer(from: 0, count: count)
    let columns = try keys.keys(of: slots.pointer, count: count)
    try body(columns, aggregates, slots)
    if !combines { return }
    let made = SlotBuffer((0..<UInt32(truncatingIfNeeded: count)).filter { isNew.values[Int($0)] })
    if made.count == 0 { return }
    leftCount += made.count
    let span = WindowSpan(start: window.start, end: window.start)
    let entries =
      columns.map { $0.gather(made.selection) } + WindowTables.columns(span, made.count)
      + (try aggregates.states(made.pointer, count: made.count))
    changes.put(
      RecordBatch(schema: database.tables[WindowTables.panes].entry, columns: entries, length: made.count),
      table: WindowTables.panes)
  }

  /// Forgets the keys in hand but for the last one.
  private func keepLast() throws(Failure) {
    guard keys.slotCount > 1 else { return }
    let last = SlotBuffer(from: keys.slotCount - 1, count: 1)
    let (columns, states) = (
      try keys.keys(of: last.pointer, count: 1), try aggregates.states(last.pointer, count: 1)
    )
    let wasNew = combines && isNew.values[Int(last.pointer[0])]
    keys.removeAll()
    aggregates.removeAll()
    isNew.removeAll()
    let slots = SlotBuffer(count: 1)
    try keys.find(columns, rowCount: 1, into: slots.pointer)
    try aggregates.grow(to: 1)
    try aggregates.merge(slots.pointer, count: 1, states: states[...])
    isNew.grow(to: 1)
    isNew.values[0] = wasNew
  }
}

extension RecordBatch {
  /// Of rows that are entries of a table, the addresses.
  func addresses(of database: StateDatabase, _ table: Int) -> RecordBatch {
    let address = database.tables[table].address
    return RecordBatch(schema: address, columns: Array(columns.prefix(address.fields.count)), length: length)
  }
}
