import Arrow
import Base
import Dataflow
import Keys
import State
import VolleyPlan

/// What `SpillingKeys` knows of its operator's keys: which are in memory, what memory they take, and when there is something to do with
/// the others. One thread at a time.
///
/// A key that is in memory has everything there; one that is not has everything in the database. What was taken for an epoch is on
/// its way there: until it has come no key leaves.
final class KeySpill {
  enum Arrival {
    case done
    /// Keys have to leave before these come, and perhaps fewer have to come together.
    case noRoom
    /// Fewer have to come together.
    case tooMany
  }

  let database: StateDatabase
  let clock: DueClock?
  /// For operators: their memory is counted apart, since what they are short of is not theirs to tell.
  let bodyContext: SubtaskContext
  /// Every key of the database is in memory too.
  private(set) var isWhole = true
  /// Rows whose keys are in memory together.
  private(set) var pieceRows = KeySpill.mostPieceRows
  /// How many keys may be in memory when not all are: for tests, in which few take as much memory as none.
  var keyLimit = Int.max
  /// How many keys that are due are looked for together.
  var dueLimit = KeySpill.mostPieceRows
  /// Whether what the operator gives for the subtask is not what it goes on with when it is made anew.
  var keepsSubtask = false
  /// Keys that were looked for in the database, and times that all keys left memory.
  var soughtCount = 0
  private(set) var evictionCount = 0

  /// Of the scope `key`, and of the scope `subtask`.
  let keyTables: [Int]
  let subtaskTables: [Int]
  private let keyFields: [Field]
  /// By table of the scope `subtask`: what the operator gave last.
  var subtaskEntries: [Int: [RecordBatch]] = [:]
  /// Those in memory, once not all are.
  private var residents: any KeyTable
  /// Those that the database may have something of.
  private var known: DepartedKeys
  private var dues: DueKeys?
  private let reservation: StateReservation
  /// Bytes that the operator may have: other subtasks that grow alike have as much.
  private let share: Int
  /// Is never given back, so that a few rows have room whatever others take.
  private let least: Int
  /// Bytes of rows that have come since changes were taken.
  private var dirtyBytes = 0
  /// Bytes that a key took that was brought, about.
  private var keyBytes = 256
  private var goodPieces = 0

  private static let mostPieceRows = 4_096
  private static let mostHeld = 4 << 20
  /// Pieces that memory had room for before larger ones are tried.
  private static let patience = 16

  init(_ database: StateDatabase, _ body: any DepartingOperator, _ context: SubtaskContext) throws(Failure) {
    self.database = database
    clock = body.dueClock
    var bodyContext = context
    bodyContext.stateMemory = StateMemory(limit: .max)
    self.bodyContext = bodyContext
    let tables = body.stateTables
    keyTables = tables.indices.filter { tables[$0].scope == .key }
    subtaskTables = tables.indices.filter { tables[$0].scope == .subtask }
    guard let first = keyTables.first else { preconditionFailure("an operator that spills has keys") }
    keyFields = tables[first].key
    residents = makeKeyTable(keyFields.map(\.type), keepingKeys: false)
    reservation = StateReservation(context.stateMemory)
    share = context.stateMemory.limit / context.parallelism
    least = min(share / 32, Self.mostHeld)
    known = DepartedKeys(
      memoryLimit: context.stateMemory.limit, parallelism: context.parallelism, isComplete: database.isEmpty)
    _ = claim(0)
  }

  // MARK: Room

  private var usedBytes: Int { bodyContext.stateMemory.usedBytes + residents.byteCount + known.byteCount }

  /// Reserves what is used and so many bytes more, if they are within the share and there.
  func claim(_ bytes: Int) -> Bool {
    let wanted = usedBytes + bytes
    guard wanted <= share, residents.count <= keyLimit else { return false }
    do throws(Failure) { try reservation.set(max(least, wanted), keyCount: residents.count) } catch { return false }
    return true
  }

  /// Before a batch of so many bytes: whether all keys stay in memory with those of the batch.
  func staysWhole(with bytes: Int, _ body: any DepartingOperator) throws(Failure) -> Bool {
    guard isWhole else { return false }
    // When all leave, what has changed is copied: little at a time, so that there is room for the copy.
    if dirtyBytes > share / 8, usedBytes > share / 2 { try flush(body) }
    guard claim(2 * bytes) else { return false }
    dirtyBytes += bytes
    return true
  }

  /// Writes what has changed when it is much, so that there is room for the copy.
  func settleChanges(_ body: any DepartingOperator) throws(Failure) {
    if !isWhole, dirtyBytes > share / 8 { try flush(body) }
  }

  /// Rows have come whose state is to be written some time.
  func note(dirty bytes: Int) { dirtyBytes += bytes }

  /// After a barrier.
  func settle() { _ = claim(0) }

  // MARK: Changes

  func takeChanges(of body: any DepartingOperator) throws(Failure) -> StateChanges {
    var changes = StateChanges()
    try body.takeChanges(into: &changes)
    dirtyBytes = 0
    var known: Set<Int> = []
    for case .put(let entries, let table) in changes.parts {
      if subtaskTables.contains(table) {
        if keepsSubtask { continue }
        if known.insert(table).inserted { subtaskEntries[table] = [] }
        subtaskEntries[table]?.append(entries)
      } else if !isWhole {
        try noteDue(entries, table, body)
      }
    }
    return changes
  }

  /// Writes what has changed, between two epochs: it is in the next one.
  private func flush(_ body: any DepartingOperator) throws(Failure) {
    database.waitUntilSettled()
    try database.apply(try takeChanges(of: body))
  }

  /// All keys are about to leave memory: the database has everything from here on.
  func write(_ body: any DepartingOperator) throws(Failure) {
    try flush(body)
    if isWhole {
      known.noteWhole()
      try noteDeparted(body)
    }
  }

  /// All keys have left memory, and the operator is another one.
  func noteEvicted() {
    evictionCount += 1
    residents = makeKeyTable(keyFields.map(\.type), keepingKeys: false)
    settle()
  }

  // MARK: What is due

  /// Not all keys that the database has are in memory.
  func noteDeparted(_ body: any DepartingOperator) throws(Failure) {
    isWhole = false
    if clock == nil, !known.isComplete { return }
    known.noteWhole()
    if clock != nil { dues = try DueKeys(beside: database, keys: keyFields) }
    for table in keyTables {
      try database.scan(table: table) { entries throws(Failure) in
        try known.insert(Array(entries.columns.prefix(keyFields.count)), count: entries.length)
        try noteDue(entries, table, body)
      }
    }
  }

  /// - Parameter time: nothing is of interest that was due then, or before.
  func noteDue(
    _ entries: RecordBatch, _ table: Int, _ body: any DepartingOperator, after time: Int64 = .min
  ) throws(Failure) {
    guard let dues else { return }
    for times in try body.dueTimes(of: entries, table: table, after: time) {
      try dues.insert(Array(entries.columns.prefix(keyFields.count)), times)
    }
  }

  /// When something is due next; nil: never.
  var nextDue: Int64? { dues?.nextTime }

  var hasResidents: Bool { residents.count > 0 }

  /// When the first keys are due, if they are.
  func firstDue(upTo time: Int64) throws(Failure) -> EventTime? {
    guard let first = try dues?.due(upTo: time, limit: 1) else { return nil }
    return EventTime(microseconds: first.columns[0].values(Int64.self)[0])
  }

  /// Keys that are due: rows of a time and a key.
  func due(upTo time: Int64) throws(Failure) -> RecordBatch? {
    try dues?.due(upTo: time, limit: min(dueLimit, pieceRows))
  }

  func removeDue(_ entries: RecordBatch) throws(Failure) { try dues?.remove(entries) }

  // MARK: Coming

  /// Brings all that the database has into memory; false when that has no room.
  func loadAll(into body: any DepartingOperator) throws(Failure) -> Bool {
    // On the disk it takes less than in memory.
    if database.sizes.fileBytes > share { return false }
    for table in keyTables {
      let cursor = database.cursor(table: table)
      while let entries = try cursor.next(SlotChanges.blockSlots) {
        if entries.length > 0 { try body.restore(entries, table: table) }
        if !claim(0) { return false }
      }
    }
    return true
  }

  /// Brings the keys of rows into memory that are not there.
  ///
  /// - Parameter due: the time by which they are due in turn: they are noted for the next one.
  /// - Throws: also when memory has no room for a single one.
  func bring(
    _ keys: [Column], count: Int, due: Int64?, into body: any DepartingOperator
  ) throws(Failure) -> Arrival {
    if isWhole { return claim(count * 64) ? .done : .noRoom }
    let (held, bytes) = (residents.slotCount, usedBytes)
    let slots = SlotBuffer(count: count)
    try residents.lookup(keys, rowCount: count, into: slots.pointer)
    let missing = (0..<count).reduce(0) { $0 + (slots.pointer[$1] == UInt32.max ? 1 : 0) }
    if missing == 0, claim(0) {
      noteRoom()
      return .done
    }
    if missing == 0 {
      // They have grown.
      if residents.count > 1 { return .noRoom }
      try reserveBeyondShare()
      return .done
    }
    if !claim(missing * keyBytes) {
      if held > 0 { return .noRoom }
      // Keys that were much larger than others.
      let fit = max(1, share / keyBytes / 2)
      if count > fit { return fewer(fit) }
    }
    try residents.find(keys, rowCount: count, into: slots.pointer)
    let touched = residents.touched
    let (touchedSlots, touchedRows) = (touched.slots.values(UInt32.self), touched.rows.values(UInt32.self))
    let rows = (0..<touched.count).filter { touchedSlots[$0] >= held }.map { touchedRows[$0] }
    let new = keys.map { $0.gather(rows, count: rows.count) }
    let sought = try known.known(new, count: rows.count)
    // From here on the database may have something of them.
    try known.insert(new, count: rows.count)
    let (wanted, wantedCount) = sought.map { found in (new.map { $0.gather(found) }, found.count) } ?? (new, rows.count)
    var isLoaded = true
    if wantedCount > 0 { isLoaded = try load(wanted, count: wantedCount, due, into: body) }
    let growth = max(0, usedBytes - bytes) / rows.count
    keyBytes = max(64, isLoaded ? keyBytes + (growth - keyBytes) / 8 : max(keyBytes, growth))
    if isLoaded, claim(0) {
      noteRoom()
      return .done
    }
    goodPieces = 0
    if held > 0 { return .noRoom }
    if rows.count > 1 {
      pieceRows = max(1, count / 2)
      return .noRoom
    }
    try reserveBeyondShare()
    return .done
  }

  /// A share is for others' sake: what cannot be done without is taken from all that there is.
  private func reserveBeyondShare() throws(Failure) {
    try reservation.set(max(least, usedBytes), keyCount: residents.count)
  }

  private func fewer(_ rows: Int) -> Arrival {
    goodPieces = 0
    pieceRows = rows
    return .tooMany
  }

  private func noteRoom() {
    goodPieces += 1
    if goodPieces >= Self.patience, pieceRows < Self.mostPieceRows {
      pieceRows *= 2
      goodPieces = 0
    }
  }
}
