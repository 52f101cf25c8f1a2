import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What a process function with a database knows of the keys that are not in memory. A key is in memory with all that it has, or
/// in the database only. One thread at a time.
final class ProcessSpill {
  let database: StateDatabase
  let residents: ResidentKeys
  let departed: DepartedTimers
  let departedKeys: DepartedKeys
  /// Keys that were new, and were not looked for.
  private(set) var unknownCount = 0
  /// Nil when nothing expires.
  let sweep: ExpirySweep?
  /// Rows that are processed together, whose keys are in memory together.
  var pieceRows = ProcessSpill.mostPieceRows
  private var goodPieces = 0
  /// Why the last thing that memory was asked for is not there.
  var refusal: Failure?
  /// What keys that were brought use of each state, a thousand of them.
  var broughtUse: [StoreUse]
  /// Bytes that a thousand rows made a call emit at the most.
  private(set) var mostEmitted = 0
  /// Bytes of a value in the database, about, by state; many until some were read.
  var valueBytes: [Int]

  static let mostPieceRows = 4_096
  /// Pieces that memory had room for before larger ones are tried.
  private static let patience = 16

  /// - Parameter memoryLimit: of the state of all subtasks together.
  init(_ database: StateDatabase, _ states: [Plan.State], keys: [Field], memoryLimit: Int) {
    self.database = database
    residents = ResidentKeys(database)
    departed = DepartedTimers(beside: database, keys: keys)
    departedKeys = DepartedKeys(
      memoryLimit: memoryLimit, parallelism: database.part.parallelism, isComplete: database.isEmpty)
    sweep = ExpirySweep(states, keys: keys, database, isEmpty: database.isEmpty)
    valueBytes = [Int](repeating: 32 << 10, count: states.count)
    broughtUse = [StoreUse](repeating: StoreUse(), count: states.count)
  }

  var byteCount: Int { residents.byteCount + departedKeys.byteCount }
  /// Bytes that are added when there are so many slots, and when the next keys leave memory.
  func growth(to slotCount: Int) -> Int { residents.growth(to: slotCount) + departedKeys.growth }

  /// Those of a batch's keys that are not in memory and that the database may have something of.
  func known(_ absent: ResidentKeys.Sought, _ keys: [Column]) throws(Failure) -> ResidentKeys.Sought {
    guard departedKeys.isComplete else { return absent }
    let (rows, count) = (absent.rows, absent.rows.count)
    guard let places = try departedKeys.known(keys.map { $0.gather(rows) }, count: count) else { return absent }
    unknownCount += count - places.count
    return ResidentKeys.Sought(slots: absent.slots.selecting(places), rows: rows.selecting(places))
  }

  /// When state of keys that are away is to be looked at; nil when none expires.
  var sweepTime: Int64? { residents.isWhole ? nil : sweep?.wakeTime }

  /// A call of rows, or of timers, has emitted so much: much counts at once, little in the course of time.
  func noteEmitted(_ bytes: Int, rows: Int) {
    if rows > 0 { mostEmitted = max(bytes * 1_000 / rows, mostEmitted - mostEmitted / 64) }
  }

  /// Memory had room for a piece.
  func noteRoom() {
    goodPieces += 1
    if goodPieces >= Self.patience, pieceRows < Self.mostPieceRows {
      pieceRows *= 2
      goodPieces = 0
    }
  }

  /// It had none for so many rows. Returns whether fewer may be tried.
  func noteNoRoom(_ rows: Int) -> Bool {
    goodPieces = 0
    pieceRows = max(1, rows / 2)
    return rows > 1
  }
}

/// Entries that are written to a database, a few thousand at a time, so that what is encoded of them takes little memory.
struct EntryWriter {
  private let database: StateDatabase
  private var changes = StateChanges()
  private var (bytes, rows) = (0, 0)

  private static let mostBytes = 2 << 20
  private static let mostRows = 1 << 15

  init(_ database: StateDatabase) { self.database = database }

  mutating func put(_ entries: RecordBatch, table: Int) throws(Failure) {
    changes.put(entries, table: table)
    bytes += entries.byteCount
    rows += entries.length
    if bytes >= Self.mostBytes || rows >= Self.mostRows { try finish() }
  }

  mutating func finish() throws(Failure) {
    try database.apply(changes)
    (changes, bytes, rows) = (StateChanges(), 0, 0)
  }
}
