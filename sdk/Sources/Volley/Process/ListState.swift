import CVolley
import VolleyPlan

/// Items of each key, in the order in which they were appended. An item is a `ColumnValue` such as `Int64` or `String`, or a struct of
/// such fields.
///
/// Appending reads nothing; `items` reads all of a key's.
public final class ListState<Item: RowValue>: KeyedState {
  private let cells: ListCells<Item>

  /// - Parameter timeToLive: how long a list stays after it was written last, on the job's clock; nil: for ever.
  public init(timeToLive: Duration? = nil) { cells = ListCells(.list, timeToLive: timeToLive) }

  public var state: AnyState { cells }

  /// The items of the key in hand.
  public var items: [Item] {
    get { cells.items }
    set { cells.replace(newValue) }
  }

  /// Adds an item to the key in hand.
  public func append(_ item: Item) { cells.append([item]) }
  public func append(contentsOf items: some Sequence<Item>) { cells.append(Array(items)) }

  /// Removes all items of the key in hand.
  public func clear() { cells.replace([]) }
}

final class ListCells<Item: RowValue>: AnyState {
  /// What a call has done to a key's list.
  private struct Edit {
    /// What the host has, once it was read and as long as it counts.
    var stored: [Item]?
    var isReplaced = false
    var added: [Item] = []
  }

  private var edits: [Edit?] = []
  private var touched: ContiguousArray<UInt32> = []
  private var codec: StateCodec<Item>?
  private var lender: Lender?
  private var rows: LentRows?
  /// Items that are read at a time.
  private static var page: UInt64 { 1_024 }

  override func schema() throws(VolleyError) -> [Field] { try made().fields }

  private func made() throws(VolleyError) -> StateCodec<Item> {
    if let codec { return codec }
    let made = try StateCodec<Item>.make("value")
    codec = made
    rows = LentRows(made.fields)
    lender = Lender(made.fields)
    return made
  }

  override func begin() throws {
    _ = try made()
    edits = Array(repeating: nil, count: running.keyCount)
    touched.removeAll(keepingCapacity: true)
  }

  private var key: Int {
    let key = running.cursor.pointee
    precondition(key >= 0, "state '\(name)' was used outside of process and onTimer: it belongs to the key in hand")
    return key
  }

  private func edit(_ key: Int, _ body: (inout Edit) -> Void) {
    if edits[key] == nil {
      edits[key] = Edit()
      touched.append(UInt32(key))
    }
    body(&edits[key]!)  // Made above.
  }

  func append(_ items: [Item]) { edit(key) { $0.added += items } }

  func replace(_ items: [Item]) {
    edit(key) {
      $0.stored = nil
      $0.isReplaced = true
      $0.added = items
    }
  }

  var items: [Item] {
    let key = key
    edit(key) { edit in
      if !edit.isReplaced && edit.stored == nil { edit.stored = read(UInt32(key)) }
    }
    return (edits[key]?.stored ?? []) + (edits[key]?.added ?? [])
  }

  private func read(_ key: UInt32) -> [Item] {
    let core = running
    var items: [Item] = []
    do {
      let codec = try made()
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
    } catch {
      core.note(error)
      return items
    }
  }

  override func end() throws {
    guard let codec, let lender else { return }
    let core = running
    var replaced: ContiguousArray<UInt32> = []
    var keys: ContiguousArray<UInt32> = []
    try codec.begin(lender.begin())
    for key in touched {
      guard let edit = edits[Int(key)] else { continue }
      if edit.isReplaced { replaced.append(key) }
      for item in edit.added {
        try codec.append(item)
        keys.append(key)
      }
    }
    codec.finish()
    edits = []
    try core.clear(number, replaced)
    guard !keys.isEmpty else { return }
    let lent = try lender.lend()
    try keys.withUnsafeBufferPointer { keys throws(VolleyError) in
      try callHost { error in
        core.stateTable.pointee.list_append(
          core.context.host, number, keys.baseAddress, UInt64(keys.count), lent, error)
      }
    }
  }

  override func forget() { edits = [] }
}
