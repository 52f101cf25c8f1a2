import CVolley
import VolleyPlan

/// One value of each key: a `ColumnValue` such as `Int64` or `String`, or a struct of such fields.
public final class ValueState<Value: RowValue>: KeyedState {
  @usableFromInline let cells: ValueCells<Value>

  /// - Parameter timeToLive: how long a value stays after it was written last, on the job's clock; nil: for ever.
  public init(timeToLive: Duration? = nil) { cells = ValueCells(.value, timeToLive: timeToLive) }

  public var state: AnyState { cells }

  /// The value of the key in hand; nil when there is none.
  @inlinable
  public var value: Value? {
    get { cells.value }
    set { cells.value = newValue }
  }

  /// Removes the value of the key in hand.
  @inlinable
  public func clear() { cells.value = nil }
}

/// Something that rows are added to: an accumulator of each key, and what is made of it.
public final class AggregatingState<Input, Accumulator: RowValue, Result>: KeyedState {
  private let cells: ValueCells<Accumulator>
  private let initial: Accumulator
  private let accumulate: (inout Accumulator, Input) -> Void
  private let finish: (Accumulator) -> Result

  /// - Parameters:
  ///   - initial: the accumulator of a key to which nothing was added.
  ///   - timeToLive: as of `ValueState`.
  public init(
    initial: Accumulator, timeToLive: Duration? = nil, add: @escaping (inout Accumulator, Input) -> Void,
    result: @escaping (Accumulator) -> Result
  ) {
    cells = ValueCells(.accumulator, timeToLive: timeToLive)
    self.initial = initial
    accumulate = add
    finish = result
  }

  public var state: AnyState { cells }

  /// Adds to the accumulator of the key in hand.
  public func add(_ input: Input) {
    var accumulator = cells.value ?? initial
    accumulate(&accumulator, input)
    cells.value = accumulator
  }

  /// What was added to the key in hand comes to; nil when nothing was.
  public var result: Result? { cells.value.map(finish) }

  /// Forgets what was added to the key in hand.
  public func clear() { cells.value = nil }
}

/// The values of the keys of a call.
@usableFromInline
final class ValueCells<Value: RowValue>: AnyState {
  @usableFromInline @exclusivity(unchecked) var values: UnsafeMutablePointer<Value?>
  @usableFromInline @exclusivity(unchecked) var isChanged: UnsafeMutablePointer<Bool>
  /// The key in hand; nil outside of an instance.
  @usableFromInline @exclusivity(unchecked) var cursor: UnsafeMutablePointer<Int>?
  private var count = 0
  private var capacity = 0
  private var codec: StateCodec<Value>?
  private var lender: Lender?
  private var rows: LentRows?
  private var keys: ContiguousArray<UInt32> = []

  override init(_ kind: Plan.StateKind, timeToLive: Duration?) {
    values = .allocate(capacity: 0)
    isChanged = .allocate(capacity: 0)
    super.init(kind, timeToLive: timeToLive)
  }

  deinit {
    values.deinitialize(count: count)
    values.deallocate()
    isChanged.deallocate()
  }

  @inlinable
  var value: Value? {
    get { values[key] }
    set {
      let key = key
      values[key] = newValue
      isChanged[key] = true
    }
  }

  @inlinable
  var key: Int {
    guard let cursor, cursor.pointee >= 0 else { outside() }
    return cursor.pointee
  }

  override func schema() throws(VolleyError) -> [Field] { try made().fields }

  private func made() throws(VolleyError) -> StateCodec<Value> {
    if let codec { return codec }
    let made = try StateCodec<Value>.make("value")
    codec = made
    rows = LentRows(made.fields)
    lender = Lender(made.fields)
    return made
  }

  override func begin() throws {
    let core = running
    cursor = core.cursor
    values.deinitialize(count: count)
    count = 0
    if core.keyCount > capacity {
      values.deallocate()
      isChanged.deallocate()
      capacity = max(core.keyCount, 2 * capacity)
      values = .allocate(capacity: capacity)
      isChanged = .allocate(capacity: capacity)
    }
    isChanged.initialize(repeating: false, count: core.keyCount)
    let codec = try made()
    var lent: UnsafePointer<ArrowArray>?
    try callHost { error in
      core.stateTable.pointee.read(core.context.host, number, nil, UInt64(core.keyCount), &lent, error)
    }
    try rows?.use(lent)
    guard let rows, rows.count == core.keyCount else {
      throw VolleyError("the host lent other rows than were asked for", domain: .internal)
    }
    codec.use(rows.columns)
    for key in 0..<core.keyCount {
      (values + key).initialize(to: rows.isPresent(key) ? try codec.read(key) : nil)
      count += 1
    }
  }

  override func end() throws {
    guard let codec, let lender else { return }
    let core = running
    var cleared: ContiguousArray<UInt32> = []
    keys.removeAll(keepingCapacity: true)
    try codec.begin(lender.begin())
    for key in 0..<count where isChanged[key] {
      guard let value = values[key] else {
        cleared.append(UInt32(key))
        continue
      }
      try codec.append(value)
      keys.append(UInt32(key))
    }
    codec.finish()
    if !keys.isEmpty {
      let lent = try lender.lend()
      try keys.withUnsafeBufferPointer { keys throws(VolleyError) in
        try callHost { error in
          core.stateTable.pointee.write(
            core.context.host, number, keys.baseAddress, UInt64(keys.count), lent, error)
        }
      }
    }
    try core.clear(number, cleared)
  }
}

extension ProcessCore {
  /// Removes what keys have of a state.
  func clear(_ state: UInt32, _ keys: ContiguousArray<UInt32>) throws(VolleyError) {
    guard !keys.isEmpty else { return }
    try keys.withUnsafeBufferPointer { keys throws(VolleyError) in
      try callHost { error in
        stateTable.pointee.clear(context.host, state, keys.baseAddress, UInt64(keys.count), error)
      }
    }
  }
}
