import CVolley
import VolleyPlan

/// Items of each key, in the order in which they were appended. An item is a `ColumnValue` such as `Int64` or `String`, or a struct of
/// such fields.
///
/// Appending reads nothing; `items` reads all of a key's.
public final class ListState<Item: RowValue>: KeyedState {
  @usableFromInline let cells: ListCells<Item>

  /// - Parameter timeToLive: how long a list stays after it was written last, on the job's clock; nil: for ever.
  public init(timeToLive: Duration? = nil) { cells = ListCells(.list, timeToLive: timeToLive) }

  public var state: AnyState { cells }

  /// The items of the key in hand.
  public var items: [Item] {
    get { cells.items }
    set { cells.replace(newValue) }
  }

  /// Adds an item to the key in hand.
  @inlinable
  public func append(_ item: Item) { cells.append(item) }

  @inlinable
  public func append(contentsOf items: some Sequence<Item>) { for item in items { cells.append(item) } }

  /// Removes all items of the key in hand.
  public func clear() { cells.replace([]) }
}

@usableFromInline
final class ListCells<Item: RowValue>: AnyState {
  /// A list that was read or replaced in this call.
  @usableFromInline
  struct Known {
    /// All that it has now.
    @usableFromInline var items: [Item]
    /// What the host has is removed, and all items are new.
    @usableFromInline var isReplaced: Bool
  }

  /// By the key's number.
  @usableFromInline @exclusivity(unchecked) var known: [UInt32: Known] = [:]
  /// The keys to which items were appended, which `codec` has, and which the host does not know yet.
  @usableFromInline @exclusivity(unchecked) var appended: ContiguousArray<UInt32> = []
  @usableFromInline @exclusivity(unchecked) var codec: StateCodec<Item>?
  private var lender: Lender?
  private var rows: LentRows?
  /// Items that are read at a time.
  private static var page: UInt64 { 1_024 }
  /// Items that go to the host together at most.
  @usableFromInline static var limit: Int { 8_192 }

  override func schema() throws(VolleyError) -> [Field] { try made().fields }

  private func made() throws(VolleyError) -> StateCodec<Item> {
    if let codec { return codec }
    let made = try StateCodec<Item>.make("value")
    codec = made
    rows = LentRows(made.fields)
    lender = Lender(made.fields)
    return made
  }

  override func begin() throws { try restart() }

  /// Makes room for the next items that are appended.
  private func restart() throws {
    appended.removeAll(keepingCapacity: true)
    let codec = try made()
    if let lender { try codec.begin(lender.begin()) }
  }

  @inlinable
  func append(_ item: Item) {
    let key = keyInHand
    if !known.isEmpty, let isReplaced = known[key]?.isReplaced {
      known[key]?.items.append(item)
      if isReplaced { return }
    }
    send(item, to: key)
  }

  @inlinable
  func send(_ item: Item, to key: UInt32) {
    guard let codec else { outside() }
    do {
      if appended.count >= Self.limit { try flush() }
      try codec.append(item)
      appended.append(key)
    } catch {
      note(error)
    }
  }

  func replace(_ items: [Item]) { known[keyInHand] = Known(items: items, isReplaced: true) }

  var items: [Item] {
    let key = keyInHand
    if let known = known[key] { return known.items }
    do {
      try flush()
      let items = try read(key)
      known[key] = Known(items: items, isReplaced: false)
      return items
    } catch {
      note(error)
      return []
    }
  }

  private func read(_ key: UInt32) throws -> [Item] {
    let core = running
    let codec = try made()
    var items: [Item] = []
    while true {
      var lent: UnsafePointer<ArrowArray>?
      try callHost { error in
        core.stateTable.pointee.list_read(
          core.context.host, number, key, UInt64(items.count), Self.page, &lent, error)
      }
      try rows?.use(lent)
      guard let rows else { return items }
      codec.use(rows.columns)
      for row in 0..<rows.count { items.append(try codec.read(row)) }
      if rows.count < Int(Self.page) { return items }
    }
  }

  /// Tells the host what was appended.
  @usableFromInline
  func flush() throws {
    guard !appended.isEmpty, let codec, let lender else { return }
    let core = running
    codec.finish()
    let lent = try lender.lend()
    try appended.withUnsafeBufferPointer { keys throws(VolleyError) in
      try callHost { error in
        core.stateTable.pointee.list_append(
          core.context.host, number, keys.baseAddress, UInt64(keys.count), lent, error)
      }
    }
    try restart()
  }

  override func end() throws {
    // Before a list was replaced.
    try flush()
    let replaced = known.filter(\.value.isReplaced)
    known.removeAll(keepingCapacity: true)
    try running.clear(number, ContiguousArray(replaced.keys))
    for (key, list) in replaced { for item in list.items { send(item, to: key) } }
    try flush()
    try running.checkProblem()
  }

  override func forget() {
    known.removeAll()
    appended.removeAll(keepingCapacity: true)
  }
}
