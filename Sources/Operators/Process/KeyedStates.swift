import Arrow
import Base
import CPlatform
import Dataflow
import State
import VolleyPlan

/// What a process function keeps of each key, in memory: the keys, one store a state, and how many things each key has. A key that
/// has none is forgotten when its call ends.
///
/// A call begins with its keys, which are named by their places in it from then on, and ends with `commit` or `abort`. What goes
/// wrong between is a `plugin` failure without the function's name, which the caller adds. One thread at a time.
public final class KeyedStates {
  public let declarations: [Plan.State]
  private let keyTypes: [DataType]
  private(set) var table: any KeyTable
  private(set) var stores: [StateStore]
  /// Keys that have nothing stay until somebody makes them leave: what the database still has of them is none of theirs.
  var keepsEmptied = false
  /// What reads the keys of what is gone, before keys are removed; nil when nobody asks for changes.
  var settle: (() throws(Failure) -> Void)?
  /// By slot.
  private var memory = KeyRecordMemory()
  /// The slots of the call's keys.
  private var slots: UnsafePointer<UInt32>?
  private var slotBuffer: Buffer?
  public private(set) var keyCount = 0
  /// Slots of a state's call.
  private var chosen: UnsafeMutablePointer<UInt32>
  private var chosenCapacity = 1_024
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40
  /// By store: the most that rows of former calls took of it, a thousand of them each.
  var mostUse: [StoreUse]
  /// Slots that lost all they had outside of a call.
  private var emptied: [UInt32] = []

  init(_ declarations: [Plan.State], keys: [DataType]) {
    self.declarations = declarations
    keyTypes = keys
    table = makeKeyTable(keys, keepingKeys: true)
    stores = declarations.map(Self.store)
    mostUse = [StoreUse](repeating: StoreUse(), count: stores.count)
    chosen = .allocate(capacity: chosenCapacity)
  }

  deinit { chosen.deallocate() }

  private static func store(_ state: Plan.State) -> StateStore {
    switch state.kind {
    case .value, .accumulator: return ValueStore(state)
    case .list: return ListStore(state)
    case .map:
      guard let key = state.mapKey else { preconditionFailure("planning refuses a map without a key") }
      return MapStore(state, key: key)
    }
  }

  /// Forgets all keys, and the memory that they took.
  func release() {
    table = makeKeyTable(keyTypes, keepingKeys: true)
    stores = zip(declarations, stores).map { state, former in
      let store = Self.store(state)
      store.trackChanges(as: former)
      return store
    }
    memory = KeyRecordMemory()
  }

  // MARK: Keys

  /// Keys that have something.
  var count: Int { table.count }

  var byteCount: Int {
    stores.reduce(table.byteCount + memory.byteCount) { $0 + $1.byteCount }
  }

  /// Bytes beyond those that a call of these keys takes at worst for keys and room by slot.
  func growth(_ keys: [Column], rowCount: Int) -> Int {
    // Slots that were given back are taken first.
    let slotCount = max(table.slotCount, table.count + rowCount)
    // A call of timers has no rows, and no keys either.
    let tableGrowth = rowCount == 0 ? 0 : table.growth(keys, rowCount: rowCount)
    return stores.reduce(tableGrowth + memory.growth(to: slotCount)) {
      $0 + $1.growth(to: slotCount, writing: min(rowCount, 8_192))
    }
  }

  /// Begins a call of rows: finds their keys.
  ///
  /// - Parameter rowKeys: room for `rowCount` places of keys in the call.
  /// - Returns: the first row of each key, in the order of the keys.
  func begin(
    _ keys: [Column], rowCount: Int, rowKeys: UnsafeMutablePointer<UInt32>
  ) throws(Failure) -> Selection {
    try table.find(keys, rowCount: rowCount, into: rowKeys)
    let touched = table.touched
    begin(touched.slots, count: touched.count)
    let records = keyRecords
    for row in 0..<rowCount { rowKeys[row] = records[rowKeys[row]].pointee.place }
    return touched.selection
  }

  /// The slots of keys that come back. Outside of calls.
  func slots(of keys: [Column], rowCount: Int) throws(Failure) -> SlotBuffer {
    let slots = SlotBuffer(count: rowCount)
    try table.find(keys, rowCount: rowCount, into: slots.pointer)
    memory.grow(to: table.slotCount)
    for store in stores { store.grow(to: table.slotCount) }
    return slots
  }

  /// Begins a call of keys that have slots, each once.
  func begin(_ slots: Buffer, count: Int) {
    slotBuffer = slots
    self.slots = slots.values(UInt32.self)
    keyCount = count
    memory.grow(to: table.slotCount)
    for store in stores { store.grow(to: table.slotCount) }
    let (slots, records) = (slots.values(UInt32.self), keyRecords)
    for place in 0..<count {
      if place &+ Self.ahead < count { platform_prefetch(records[slots[place &+ Self.ahead]]) }
      records[slots[place]].pointee.place = UInt32(truncatingIfNeeded: place)
    }
  }

  /// The columns of the call's keys.
  func keys() throws(Failure) -> [Column] {
    guard let slots else { preconditionFailure("a call has keys") }
    return try table.keys(of: slots, count: keyCount)
  }

  /// The slots of the call's keys; nil between calls.
  var callSlots: UnsafePointer<UInt32>? { slots }

  /// Slots that have records.
  var recordCount: Int { memory.slotCount }

  /// By slot. Valid until the next call begins.
  var keyRecords: KeyRecords { memory.records }

  /// The same, with room for timers.
  var timedRecords: KeyRecords {
    memory.makeRoomForTimers()
    return memory.records
  }

  // MARK: Reads and writes of a call

  public enum Kind {
    case value, list, map
  }

  /// The kind of a state, after what it is stored as.
  public func kind(_ state: Int) -> Kind {
    switch declarations[state].kind {
    case .value, .accumulator: .value
    case .list: .list
    case .map: .map
    }
  }

  public func readValues(
    _ state: Int, _ keys: UnsafePointer<UInt32>?, count: Int
  ) throws(Failure) -> LendingColumns {
    let store = stores[state]
    guard let values = store as? ValueStore else { throw wrongKind(state, "values") }
    try values.read(try chooseSlots(keys, count), count: count)
    return store.lending
  }

  public func writeValues(
    _ state: Int, _ keys: UnsafePointer<UInt32>, count: Int, _ columns: UnsafePointer<LentColumn>
  ) throws(Failure) {
    guard let values = stores[state] as? ValueStore else { throw wrongKind(state, "values") }
    try values.write(try chooseSlots(keys, count), count: count, columns)
  }

  public func clear(_ state: Int, _ keys: UnsafePointer<UInt32>, count: Int) throws(Failure) {
    try stores[state].clear(try chooseSlots(keys, count), count: count)
  }

  public func readItems(
    _ state: Int, _ key: UInt32, first: UInt64, limit: UInt64
  ) throws(Failure) -> LendingColumns {
    guard let list = stores[state] as? ListStore else { throw wrongKind(state, "items") }
    let slot = try chooseSlot(key)
    try list.read(slot, first: Int(clamping: first), limit: Int(clamping: limit))
    return list.lending
  }

  public func appendItems(
    _ state: Int, _ keys: UnsafePointer<UInt32>, count: Int, _ columns: UnsafePointer<LentColumn>
  ) throws(Failure) {
    guard let list = stores[state] as? ListStore else { throw wrongKind(state, "items") }
    try list.append(try chooseSlots(keys, count), count: count, columns)
  }

  public func readEntries(
    _ state: Int, _ keys: UnsafePointer<UInt32>, count: Int, _ mapKeys: LentColumn
  ) throws(Failure) -> LendingColumns {
    guard kind(state) == .map else { throw wrongKind(state, "entries") }
    let map = unsafeDowncast(stores[state], to: MapStore.self)
    try map.read(try chooseSlots(keys, count), count: count, keys: mapKeys)
    return map.lending
  }

  public func putEntries(
    _ state: Int, _ keys: UnsafePointer<UInt32>, count: Int, _ mapKeys: LentColumn,
    _ columns: UnsafePointer<LentColumn>
  ) throws(Failure) {
    guard let map = stores[state] as? MapStore else { throw wrongKind(state, "entries") }
    try map.put(try chooseSlots(keys, count), count: count, keys: mapKeys, values: columns)
  }

  public func removeEntries(
    _ state: Int, _ keys: UnsafePointer<UInt32>, count: Int, _ mapKeys: LentColumn
  ) throws(Failure) {
    guard let map = stores[state] as? MapStore else { throw wrongKind(state, "entries") }
    try map.remove(try chooseSlots(keys, count), count: count, keys: mapKeys)
  }

  public func page(
    _ state: Int, _ key: UInt32, limit: UInt64, cursor: inout UInt64
  ) throws(Failure) -> (keys: LendingColumns, values: LendingColumns) {
    guard let map = stores[state] as? MapStore else { throw wrongKind(state, "entries") }
    try map.page(try chooseSlot(key), limit: Int(clamping: limit), cursor: &cursor)
    return (map.keyLending, map.lending)
  }

  private func wrongKind(_ state: Int, _ what: String) -> Failure {
    Failure(
      .plugin,
      "the state '\(declarations[state].name)' is a \(declarations[state].kind.rawValue) and has no \(what); use the calls of its kind"
    )
  }

  private func chooseSlot(_ key: UInt32) throws(Failure) -> UInt32 {
    guard let slots, Int(key) < keyCount else { throw noKey(key) }
    return slots[Int(key)]
  }

  /// The slots of keys of the call; nil: those from the first on.
  @inline(__always)  // Much of a read of one entry.
  private func chooseSlots(
    _ keys: UnsafePointer<UInt32>?, _ count: Int
  ) throws(Failure) -> UnsafePointer<UInt32> {
    guard let slots else { throw noKey(0) }
    guard let keys else {
      guard count <= keyCount else { throw noKey(UInt32(clamping: count - 1)) }
      return slots
    }
    if count > chosenCapacity { makeRoom(count) }
    for index in 0..<count {
      let key = keys[index]
      guard Int(key) < keyCount else { throw noKey(key) }
      chosen[index] = slots[Int(key)]
    }
    return UnsafePointer(chosen)
  }

  @inline(never)
  private func noKey(_ key: UInt32) -> Failure {
    Failure(
      .plugin,
      keyCount == 0
        ? "key \(key) was asked for where there are none; read and write state only inside 'process' and 'timers'"
        : "key \(key) was asked for in a call of \(keyCount) keys, which are 0 to \(keyCount - 1); name keys by their rows in 'keys'"
    )
  }

  // MARK: The end of a call

  /// Keeps what the call wrote.
  func commit(at now: Int64) {
    for store in stores { store.commit(keyRecords, at: now) }
  }

  /// Undoes what the call wrote.
  func abort() throws(Failure) {
    for store in stores { store.abort() }
    try end()
  }

  /// Ends a call that was committed: keys that have nothing are forgotten.
  func end() throws(Failure) {
    guard let slots else { return }
    let count = keyCount
    (self.slots, keyCount) = (nil, 0)
    defer { slotBuffer = nil }
    if keepsEmptied { return }
    if count > chosenCapacity { makeRoom(count) }
    var empty = 0
    let records = keyRecords
    for place in 0..<count {
      if place &+ Self.ahead < count { platform_prefetch(records[slots[place &+ Self.ahead]]) }
      chosen[empty] = slots[place]
      empty &+= records[slots[place]].pointee.references == 0 ? 1 : 0
    }
    if empty == 0 { return }
    try settle?()
    table.remove(chosen, count: empty)
  }

  private func makeRoom(_ count: Int) {
    chosen.deallocate()
    chosenCapacity = max(count, 2 * chosenCapacity)
    chosen = .allocate(capacity: chosenCapacity)
  }

  // MARK: Time to live

  /// When what expires first does so; nil when nothing does.
  var nextExpiry: Int64? { stores.lazy.compactMap(\.nextExpiry).min() }

  /// Removes what is expired, and keys that have nothing else. Between calls.
  func expire(at now: Int64) throws(Failure) {
    guard let next = nextExpiry, next <= now else { return }
    for store in stores { store.expire(at: now, keyRecords) { emptied.append($0) } }
    guard !emptied.isEmpty else { return }
    if keepsEmptied { return emptied.removeAll() }
    try settle?()
    emptied.withUnsafeBufferPointer { if let base = $0.baseAddress { table.remove(base, count: $0.count) } }
    emptied.removeAll()
  }
}
