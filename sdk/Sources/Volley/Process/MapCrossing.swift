import CVolley
import VolleyPlan

/// A map state's calls to the host: an entry is asked for by itself, changes go together.
@usableFromInline
final class MapCrossing {
  private unowned let core: ProcessCore
  private let state: UInt32
  private let asked: AnyStateCodec
  private let keys: AnyStateCodec
  private let values: AnyStateCodec
  private let askedLender: Lender
  private let keyLender: Lender
  private let valueLender: Lender
  @exclusivity(unchecked) private var keyRows: LentRows
  @exclusivity(unchecked) private var valueRows: LentRows
  /// The one key that a question names.
  private let place = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

  /// The keys whose entries are changed, in the order of the changes, which are all of one kind.
  @exclusivity(unchecked) private var places: ContiguousArray<UInt32> = []
  @exclusivity(unchecked) private var removes = false
  /// Changes that go together at most.
  private static var limit: Int { 8_192 }
  /// Entries that are read at a time.
  private static var pageLimit: UInt64 { 256 }

  /// - Parameters:
  ///   - asked: writes the entry that is asked for.
  ///   - keys: writes the entries that are changed, and reads those of a page.
  ///   - values: writes those that are put, and reads what the host lends.
  init(
    _ core: ProcessCore, _ state: UInt32, asked: AnyStateCodec, keys: AnyStateCodec, values: AnyStateCodec
  ) throws {
    (self.core, self.state) = (core, state)
    (self.asked, self.keys, self.values) = (asked, keys, values)
    askedLender = Lender(asked.fields, capacity: 1)
    keyLender = Lender(keys.fields)
    valueLender = Lender(values.fields)
    keyRows = LentRows(keys.fields)
    valueRows = LentRows(values.fields)
    try asked.begin(askedLender.begin())
  }

  deinit { place.deallocate() }

  /// Whether a key has the entry that was written to `asked`; then `values` reads its value as row 0.
  @usableFromInline
  func find(_ key: UInt32) throws -> Bool {
    place.pointee = key
    asked.finish()
    var lent: UnsafePointer<ArrowArray>?
    let status = core.stateTable.pointee.map_get_many(
      core.context.host, state, place, 1, try askedLender.lend(), &lent, core.error)
    try asked.begin(askedLender.begin())
    guard status == VOLLEY_OK else { throw core.refusal }
    guard let lent, (lent.pointee.buffers?[0]?.load(as: UInt8.self) ?? 1) & 1 != 0 else { return false }
    try valueRows.use(lent)
    values.use(valueRows.columns)
    return true
  }

  /// The next change's entry, and value if it is put, is about to be written to `keys` and `values`.
  @usableFromInline
  func beginChange(removes: Bool) throws {
    if removes != self.removes || places.count == Self.limit { try flush() }
    guard places.isEmpty else { return }
    self.removes = removes
    try keys.begin(keyLender.begin())
    if !removes { try values.begin(valueLender.begin()) }
  }

  /// They are written.
  @usableFromInline
  func endChange(of key: UInt32) { places.append(key) }

  /// Tells the host what was changed.
  @usableFromInline
  func flush() throws {
    guard !places.isEmpty else { return }
    defer { places.removeAll(keepingCapacity: true) }
    keys.finish()
    let lent = try keyLender.lend()
    var lentValues: UnsafePointer<ArrowArray>?
    if !removes {
      values.finish()
      lentValues = try valueLender.lend()
    }
    let status = places.withUnsafeBufferPointer { places in
      let count = UInt64(places.count)
      return removes
        ? core.stateTable.pointee.map_remove(core.context.host, state, places.baseAddress, count, lent, core.error)
        : core.stateTable.pointee.map_put(
          core.context.host, state, places.baseAddress, count, lent, lentValues, core.error)
    }
    guard status == VOLLEY_OK else { throw core.refusal }
  }

  /// Makes `keys` and `values` read the next entries of a key; gives how many they are.
  func page(_ key: UInt32, _ cursor: inout UInt64) throws -> Int {
    var (lentKeys, lentValues): (UnsafePointer<ArrowArray>?, UnsafePointer<ArrowArray>?)
    try callHost { error in
      core.stateTable.pointee.map_page(
        core.context.host, state, key, Self.pageLimit, &cursor, &lentKeys, &lentValues, error)
    }
    try keyRows.use(lentKeys)
    try valueRows.use(lentValues)
    keys.use(keyRows.columns)
    values.use(valueRows.columns)
    return keyRows.count
  }

  /// The call failed: what was to be changed is not.
  func forget() { places.removeAll(keepingCapacity: true) }
}
