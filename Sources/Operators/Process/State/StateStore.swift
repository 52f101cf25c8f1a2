import Arrow
import Base
import State
import VolleyPlan

/// One state of all keys, by the slots of the key table. Writes are undone unless they are committed.
///
/// Order: `grow`, then reads and writes of one call, then `commit` or `abort`. One thread at a time.
class StateStore {
  let declaration: Plan.State
  let blocks = BlockArena()
  /// What is read is lent from here until the next read.
  let lending: LendingColumns
  /// Addresses of records, for the columns' loops.
  private var addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var addressCapacity = 1_024
  /// What has changed; nil when nobody asks.
  private(set) var changes: StoreChanges?
  /// What is written was there before.
  var isRestoring = false

  init(_ declaration: Plan.State) {
    self.declaration = declaration
    lending = LendingColumns(declaration.schema)
    addresses = .allocate(capacity: addressCapacity)
  }

  deinit { addresses.deallocate() }

  /// Room for so many addresses; what it held is gone.
  func addresses(_ count: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    if count > addressCapacity {
      addresses.deallocate()
      addressCapacity = max(count, 2 * addressCapacity)
      addresses = .allocate(capacity: addressCapacity)
    }
    return addresses
  }

  /// Bytes of memory that it holds.
  var byteCount: Int { blocks.byteCount + lending.byteCount + addressCapacity * 8 + (changes?.byteCount ?? 0) }
  /// Bytes beyond those that room for so many slots, and a call that writes so many of them, takes at worst.
  func growth(to slotCount: Int, writing count: Int) -> Int { 0 }
  /// Makes room for slots below `slotCount`.
  func grow(to slotCount: Int) {}
  /// Removes what these slots have.
  func clear(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) {}
  /// Keeps what was written, and counts what it changed for the keys.
  ///
  /// - Parameter records: by slot.
  func commit(_ records: KeyRecords, at now: Int64) {}
  /// Undoes what was written.
  func abort() {}
  /// When what expires first does so; nil when nothing does.
  var nextExpiry: Int64? { nil }
  /// Removes what is expired.
  ///
  /// - Parameter emptied: is given the slots that have nothing any more; one may come more than once.
  func expire(
    at now: Int64, _ records: KeyRecords, emptied: (UInt32) -> Void
  ) {}

  // MARK: What outlives the process

  /// Notes from here on what changes.
  func trackChanges(_ keys: [Field]) { changes = StoreChanges(Self.table(declaration, keys: keys)) }

  /// The same for one that takes another's place.
  func trackChanges(as former: StateStore) { changes = former.changes.map { StoreChanges($0.table) } }

  /// Gives what has changed since the last time.
  ///
  /// - Parameter keys: of the slots.
  func takeChanges(into changes: inout StateChanges, table: Int, _ keys: any KeyTable) throws(Failure) {}

  /// Entries of the store's table come back, of these slots.
  ///
  /// - Parameter values: namespace and values.
  func restore(
    _ values: [Column], _ slots: UnsafePointer<UInt32>, count: Int, _ records: KeyRecords, at now: Int64
  ) throws(Failure) {}

  /// All entries have come back.
  func restored() {}

  // MARK: What leaves memory

  /// Gives the entries of these slots that have changed since they were taken.
  func putChanged(
    of slots: Selection, _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {}

  /// What these slots have is in the database, and here no more.
  func forget(_ slots: Selection) {}

  /// What of its memory is in use.
  var use: StoreUse { StoreUse(blockBytes: blocks.usedByteCount) }

  /// Bytes beyond those that it holds when so much more comes into use.
  func growth(using more: StoreUse) -> Int { max(0, more.blockBytes - (blocks.byteCount - blocks.usedByteCount)) }

  /// What entries of its table will use, about.
  func use(of values: [Column], count: Int) -> StoreUse {
    StoreUse(blockBytes: 2 * values.reduce(0) { $0 + $1.byteCount })
  }
}

/// Memory of a store that is in use, beside what it has by slot.
struct StoreUse {
  var entries = 0
  var blockBytes = 0
}

/// Copies of what a call writes over, in words.
struct StateJournal {
  private(set) var words: ContiguousArray<UInt64> = []
  var isEmpty: Bool { words.isEmpty }

  mutating func append(_ word: UInt64) { words.append(word) }

  mutating func append(_ record: UnsafeMutableRawPointer, words count: Int) {
    words.append(contentsOf: UnsafeBufferPointer(start: record.assumingMemoryBound(to: UInt64.self), count: count))
  }

  /// Forgets all; memory of an unusually large call is given back.
  mutating func removeAll() { words.removeAll(keepingCapacity: words.count <= 1 << 20) }

  var byteCount: Int { words.capacity * 8 }

  /// Gives each entry of `count` words.
  func forEach(entries count: Int, _ body: (UnsafeMutablePointer<UInt64>) -> Void) {
    words.withUnsafeBufferPointer { words in
      guard let base = words.baseAddress else { return }
      for start in stride(from: 0, to: words.count, by: count) { body(UnsafeMutablePointer(mutating: base + start)) }
    }
  }
}
