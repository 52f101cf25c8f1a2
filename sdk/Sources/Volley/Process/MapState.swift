import CVolley
import VolleyPlan

/// Entries of each key, by a key of their own, in the order in which they were first put. A value is a `ColumnValue` such as `Int64` or
/// `String`, or a struct of such fields; an entry's key is a Bool, an integer, text, bytes, a date, a time or a duration.
///
/// Each reading and writing asks the host, which answers from the subtask's own table.
public final class MapState<MapKey: ColumnValue, Value: RowValue>: KeyedState {
  private let cells: MapCells<MapKey, Value>

  /// - Parameter timeToLive: how long an entry stays after it was written last, on the job's clock; nil: for ever.
  public init(timeToLive: Duration? = nil) { cells = MapCells(.map, timeToLive: timeToLive) }

  public var state: AnyState { cells }

  /// The value of an entry of the key in hand; nil when there is no such entry. Nil removes it.
  public subscript(key: MapKey) -> Value? {
    get { cells.get(key) }
    set {
      if let newValue { cells.put(key, newValue) } else { cells.remove(key) }
    }
  }

  /// Gives the entries of the key in hand, some at a time. Entries may be put and removed meanwhile: those that are put may come or
  /// not.
  public func forEachEntry(_ body: (MapKey, Value) throws -> Void) throws { try cells.forEach(body) }

  /// The entries of the key in hand.
  public var entries: [(key: MapKey, value: Value)] {
    get throws {
      var entries: [(key: MapKey, value: Value)] = []
      try forEachEntry { entries.append(($0, $1)) }
      return entries
    }
  }

  /// Removes all entries of the key in hand.
  public func clear() { cells.clear() }
}

final class MapCells<MapKey: ColumnValue, Value: RowValue>: AnyState {
  private struct Crossing {
    let keys: StateCodec<MapKey>
    let values: StateCodec<Value>
    let keyLender: Lender
    let valueLender: Lender
    /// What a single lookup is asked with.
    var keyRows: LentRows
    var valueRows: LentRows
  }

  private var crossing: Crossing?
  /// The one key that a call of one entry names.
  private let place = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  private static var page: UInt64 { 256 }

  deinit { place.deallocate() }

  override func schema() throws(VolleyError) -> [Field] { try StateCodec<Value>.make("value").fields }

  override func mapKey() throws(VolleyError) -> Field? {
    switch MapKey.dataType {
    case .float16, .float32, .float64:
      throw VolleyError("a map's key is a \(MapKey.self), which is no sound one: take an integer or a text")
    default: return Field("key", MapKey.dataType, nullable: false)
    }
  }

  override func begin() throws {
    guard crossing == nil else { return }
    let values = try StateCodec<Value>.make("value")
    let keys: StateCodec<MapKey> = Self.keyCodec()
    crossing = Crossing(
      keys: keys, values: values, keyLender: Lender(keys.fields, capacity: 1),
      valueLender: Lender(values.fields, capacity: 1), keyRows: LentRows(keys.fields),
      valueRows: LentRows(values.fields))
  }

  /// Compiled for the type where it is a usual one.
  private static func keyCodec() -> StateCodec<MapKey> {
    let codec: AnyObject =
      switch MapKey.self {
      case is Int64.Type: ScalarCodec<Int64>("key")
      case is Int.Type: ScalarCodec<Int>("key")
      case is Int32.Type: ScalarCodec<Int32>("key")
      case is String.Type: ScalarCodec<String>("key")
      default: ScalarCodec<MapKey>("key")
      }
    return codec as? StateCodec<MapKey> ?? ScalarCodec<MapKey>("key")
  }

  /// Names the key in hand and lends the entry's.
  private func name(_ key: MapKey, _ core: ProcessCore, _ crossing: Crossing) throws -> UnsafePointer<ArrowArray> {
    place.pointee = keyInHand(core)
    try crossing.keys.begin(crossing.keyLender.begin())
    try crossing.keys.append(key)
    crossing.keys.finish()
    return try crossing.keyLender.lend()
  }

  private func keyInHand(_ core: ProcessCore) -> UInt32 {
    let key = core.cursor.pointee
    precondition(key >= 0, "state '\(name)' was used outside of process and onTimer: it belongs to the key in hand")
    return UInt32(key)
  }

  private var made: Crossing {
    guard let crossing else {
      preconditionFailure("state '\(name)' was used outside of process and onTimer: it belongs to the key in hand")
    }
    return crossing
  }

  func get(_ key: MapKey) -> Value? {
    let core = running
    do {
      let lentKey = try name(key, core, made)
      var lent: UnsafePointer<ArrowArray>?
      let status = core.stateTable.pointee.map_get_many(
        core.context.host, number, place, 1, lentKey, &lent, core.error)
      guard status == VOLLEY_OK else { throw core.refusal }
      guard let lent, (lent.pointee.buffers?[0]?.load(as: UInt8.self) ?? 1) & 1 != 0 else { return nil }
      try crossing?.valueRows.use(lent)
      guard let crossing else { return nil }
      crossing.values.use(crossing.valueRows.columns)
      return try crossing.values.read(0)
    } catch {
      core.note(error)
      return nil
    }
  }

  func put(_ key: MapKey, _ value: Value) {
    let core = running
    do {
      let crossing = made
      let lentKey = try name(key, core, crossing)
      try crossing.values.begin(crossing.valueLender.begin())
      try crossing.values.append(value)
      crossing.values.finish()
      let status = core.stateTable.pointee.map_put(
        core.context.host, number, place, 1, lentKey, try crossing.valueLender.lend(), core.error)
      guard status == VOLLEY_OK else { throw core.refusal }
    } catch {
      core.note(error)
    }
  }

  func remove(_ key: MapKey) {
    let core = running
    do {
      let lentKey = try name(key, core, made)
      let status = core.stateTable.pointee.map_remove(core.context.host, number, place, 1, lentKey, core.error)
      guard status == VOLLEY_OK else { throw core.refusal }
    } catch {
      core.note(error)
    }
  }

  func clear() {
    let core = running
    place.pointee = keyInHand(core)
    let status = core.stateTable.pointee.clear(core.context.host, number, place, 1, core.error)
    if status != VOLLEY_OK { core.note(core.refusal) }
  }

  func forEach(_ body: (MapKey, Value) throws -> Void) throws {
    let core = running
    let key = keyInHand(core)
    var cursor: UInt64 = 0
    repeat {
      var (keys, values): (UnsafePointer<ArrowArray>?, UnsafePointer<ArrowArray>?)
      try callHost { error in
        core.stateTable.pointee.map_page(
          core.context.host, number, key, Self.page, &cursor, &keys, &values, error)
      }
      try crossing?.keyRows.use(keys)
      try crossing?.valueRows.use(values)
      guard let crossing else { return }
      crossing.keys.use(crossing.keyRows.columns)
      crossing.values.use(crossing.valueRows.columns)
      // The body may ask the host again, which lends from the same memory.
      let entries = try (0..<crossing.keyRows.count).map { (try crossing.keys.read($0), try crossing.values.read($0)) }
      for entry in entries { try body(entry.0, entry.1) }
    } while cursor != 0
  }
}
