import CVolley
import VolleyPlan

/// Entries of each key, by a key of their own, in the order in which they were first put. A value is a `ColumnValue` such as `Int64` or
/// `String`, or a struct of such fields; an entry's key is a Bool, an integer, text, bytes, a date, a time or a duration.
///
/// Reading an entry asks the host, which answers from the subtask's own table. What is written goes there with the rest of the batch.
public final class MapState<MapKey: ColumnValue & Hashable, Value: RowValue>: KeyedState {
  @usableFromInline let cells: MapCells<MapKey, Value>

  /// - Parameter timeToLive: how long an entry stays after it was written last, on the job's clock; nil: for ever.
  public init(timeToLive: Duration? = nil) { cells = MapCells(.map, timeToLive: timeToLive) }

  public var state: AnyState { cells }

  /// The value of an entry of the key in hand; nil when there is no such entry. Nil removes it.
  @inlinable
  public subscript(key: MapKey) -> Value? {
    get { cells.get(key) }
    set { cells.set(key, newValue) }
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

/// An entry of a key of the call in progress.
@usableFromInline
struct MapEntry<MapKey: Hashable>: Hashable {
  let key: UInt32
  let mapKey: MapKey

  @usableFromInline
  init(key: UInt32, mapKey: MapKey) {
    self.key = key
    self.mapKey = mapKey
  }
}

@usableFromInline
final class MapCells<MapKey: ColumnValue & Hashable, Value: RowValue>: AnyState {
  /// Made at the first call.
  @usableFromInline @exclusivity(unchecked) var codecs: Codecs?
  /// The entries that were changed in this call and what they have now, nil for none. The host knows some of it.
  @usableFromInline @exclusivity(unchecked) var changed: [MapEntry<MapKey>: Value?] = [:]
  /// Changes that are remembered, of a call of many to the same state; more are forgotten, the host knowing them all.
  @usableFromInline static var rememberedChanges: Int { 65_536 }

  @usableFromInline
  struct Codecs {
    @usableFromInline let crossing: MapCrossing
    /// Of the entry that is asked for.
    @usableFromInline let asked: StateCodec<MapKey>
    /// Of changes, and of what the host lends.
    @usableFromInline let keys: StateCodec<MapKey>
    @usableFromInline let values: StateCodec<Value>
  }

  override func schema() throws(VolleyError) -> [Field] { try StateCodec<Value>.make("value").fields }

  override func mapKey() throws(VolleyError) -> Field? {
    switch MapKey.dataType {
    case .float16, .float32, .float64:
      throw VolleyError("a map's key is a \(MapKey.self), which is no sound one: take an integer or a text")
    default: return Field("key", MapKey.dataType, nullable: false)
    }
  }

  override func begin() throws {
    guard codecs == nil else { return }
    let asked = StateCodec<MapKey>.scalar("key")
    let keys = StateCodec<MapKey>.scalar("key")
    let values = try StateCodec<Value>.make("value")
    codecs = Codecs(
      crossing: try MapCrossing(running, number, asked: asked, keys: keys, values: values), asked: asked, keys: keys,
      values: values)
  }

  @inlinable
  func get(_ mapKey: MapKey) -> Value? {
    let key = keyInHand
    guard let codecs else { outside() }
    if !changed.isEmpty, let value = changed[MapEntry(key: key, mapKey: mapKey)] { return value }
    do {
      try codecs.asked.append(mapKey)
      return try codecs.crossing.find(key) ? try codecs.values.read(0) : nil
    } catch {
      note(error)
      return nil
    }
  }

  @inlinable
  func set(_ mapKey: MapKey, _ value: Value?) {
    let key = keyInHand
    guard let codecs else { outside() }
    if changed.count >= Self.rememberedChanges { writeAll() }
    changed[MapEntry(key: key, mapKey: mapKey)] = .some(value)
    do {
      try codecs.crossing.beginChange(removes: value == nil)
      try codecs.keys.append(mapKey)
      if let value { try codecs.values.append(value) }
      codecs.crossing.endChange(of: key)
    } catch {
      note(error)
    }
  }

  /// Tells the host all changes, so that none need be remembered.
  @usableFromInline
  func writeAll() {
    do { try codecs?.crossing.flush() } catch { note(error) }
    changed.removeAll(keepingCapacity: true)
  }

  func clear() {
    let key = keyInHand
    writeAll()
    do { try running.clear(number, [key]) } catch { note(error) }
  }

  func forEach(_ body: (MapKey, Value) throws -> Void) throws {
    let key = keyInHand
    guard let codecs else { outside() }
    var cursor: UInt64 = 0
    repeat {
      try codecs.crossing.flush()
      let count = try codecs.crossing.page(key, &cursor)
      // The body may ask the host again, which lends from the same memory.
      let entries = try (0..<count).map { (try codecs.keys.read($0), try codecs.values.read($0)) }
      for entry in entries { try body(entry.0, entry.1) }
    } while cursor != 0
  }

  override func end() throws {
    try codecs?.crossing.flush()
    changed.removeAll(keepingCapacity: true)
  }

  override func forget() {
    codecs?.crossing.forget()
    changed.removeAll()
  }
}
