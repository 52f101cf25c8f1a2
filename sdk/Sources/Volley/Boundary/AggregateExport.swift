import CVolley
import VolleyPlan

/// An aggregate as the host calls it, whatever its types.
class AnyAggregateInstance: AnyInstance {
  typealias Slots = UnsafePointer<UInt32>
  typealias Array = UnsafeMutablePointer<ArrowArray>

  func grow(_ store: UInt32, to slotCount: Int) throws {}
  func add(_ rows: Array, _ store: UInt32, _ slots: Slots, _ count: Int, running results: Array?) throws {}
  func merge(_ accumulators: Array, _ store: UInt32, _ slots: Slots, _ count: Int) throws {}
  func finish(_ store: UInt32, _ slots: Slots, _ count: Int, into results: Array) throws {}
  func encode(_ store: UInt32, _ slots: Slots, _ count: Int, into accumulators: Array) throws {}
  func reset(_ store: UInt32, _ slots: Slots, _ count: Int) throws {}
  func drop(_ store: UInt32) {}
  func byteCount(_ store: UInt32) -> Int { 0 }
}

final class AggregateInstance<Function: AggregateFunction>: AnyAggregateInstance {
  typealias Accumulator = Function.Accumulator

  /// The accumulators of a store, by slot.
  private struct Store {
    var base: UnsafeMutablePointer<Accumulator>
    var count = 0
    var capacity: Int

    init(capacity: Int) {
      self.capacity = capacity
      base = .allocate(capacity: capacity)
    }

    func free() {
      base.deinitialize(count: count)
      base.deallocate()
    }
  }

  private let function: Function
  private let rows: StateCodec<Function.In>
  /// Whether rows whose one value is null are not given to the author's code.
  private let passesOverNulls: Bool
  private let accumulators: StateCodec<Accumulator>
  private var stores: [UInt32: Store] = [:]

  init(_ context: TaskContext, _ function: Function) throws {
    self.function = function
    rows = try StateCodec<Function.In>.make("argument")
    let scalar = Function.In.self as? any FunctionValue.Type
    passesOverNulls = scalar.map { !$0.isOptional } ?? false
    accumulators = try StateCodec<Accumulator>.make("accumulator")
    super.init(context)
  }

  deinit { for store in stores.values { store.free() } }

  override func open() throws { try function.open(context) }
  override func close() throws { try function.close() }

  override func grow(_ number: UInt32, to slotCount: Int) throws {
    var store = stores[number] ?? Store(capacity: max(64, slotCount))
    if slotCount > store.capacity {
      let larger = Store(capacity: max(slotCount, 2 * store.capacity))
      larger.base.moveInitialize(from: store.base, count: store.count)
      store.base.deallocate()
      (store.base, store.capacity) = (larger.base, larger.capacity)
    }
    while store.count < slotCount {
      (store.base + store.count).initialize(to: function.makeAccumulator())
      store.count += 1
    }
    stores[number] = store
  }

  private func base(_ number: UInt32) throws(VolleyError) -> UnsafeMutablePointer<Accumulator> {
    guard let store = stores[number] else {
      throw VolleyError("the host named the store \(number), which it has not made", domain: .internal)
    }
    return store.base
  }

  override func add(_ array: Array, _ store: UInt32, _ slots: Slots, _ count: Int, running results: Array?) throws {
    let batch = try Batch(moving: array, schema: context.inputs[0])
    let base = try base(store)
    rows.use(batch.columns)
    let validity = passesOverNulls && batch.columns[0].nullCount > 0 ? batch.columns[0].validity : nil
    if let results {
      var column = ResultColumn<Function.Out>(capacity: count)
      for row in 0..<count {
        let place = base + Int(slots[row])
        if validity?[row] ?? true { try function.add(try rows.read(row), to: &place.pointee) }
        column.append(try function.result(of: place.pointee))
      }
      try column.export(to: results)
    } else if let validity {
      for row in 0..<count where validity[row] {
        try function.add(try rows.read(row), to: &base[Int(slots[row])])
      }
    } else {
      for row in 0..<count { try function.add(try rows.read(row), to: &base[Int(slots[row])]) }
    }
    withExtendedLifetime(batch) {}
  }

  override func merge(_ array: Array, _ store: UInt32, _ slots: Slots, _ count: Int) throws {
    let batch = try Batch(moving: array, schema: context.inputs[1])
    let base = try base(store)
    accumulators.use(batch.columns)
    for row in 0..<count { try function.merge(try accumulators.read(row), into: &base[Int(slots[row])]) }
    withExtendedLifetime(batch) {}
  }

  override func finish(_ store: UInt32, _ slots: Slots, _ count: Int, into results: Array) throws {
    let base = try base(store)
    var column = ResultColumn<Function.Out>(capacity: count)
    for row in 0..<count { column.append(try function.result(of: base[Int(slots[row])])) }
    try column.export(to: results)
  }

  override func encode(_ store: UInt32, _ slots: Slots, _ count: Int, into array: Array) throws {
    let base = try base(store)
    let columns = try accumulators.fields.map { field throws(VolleyError) in
      guard let storage = ColumnStorage(field.type) else {
        throw VolleyError("an accumulator of \(field.type) is not built value by value", domain: .internal)
      }
      return OutputColumn(field.type, storage, capacity: count)
    }
    try accumulators.begin(columns)
    for row in 0..<count { try accumulators.append(base[Int(slots[row])]) }
    accumulators.finish()
    ExportedColumn.export(try columns.map { try $0.exported() }, rowCount: count, to: array)
  }

  override func reset(_ store: UInt32, _ slots: Slots, _ count: Int) throws {
    let base = try base(store)
    for row in 0..<count { base[Int(slots[row])] = function.makeAccumulator() }
  }

  override func drop(_ number: UInt32) { stores.removeValue(forKey: number)?.free() }

  /// Without what texts and bytes have outside of the accumulators.
  override func byteCount(_ number: UInt32) -> Int {
    (stores[number]?.capacity ?? 0) * MemoryLayout<Accumulator>.stride
  }
}

/// A column of results in the making.
private struct ResultColumn<Value: FunctionValue> {
  private let column: OutputColumn
  private var writer: Value.Base.Writer
  private let validity: UnsafeMutablePointer<UInt8>?
  private var count = 0
  private var nullCount = 0

  /// - Parameter capacity: rows that there will be at most.
  init(capacity: Int) {
    column = OutputColumn(valuesOf: Value.Base.dataType, capacity: capacity)
    writer = Value.Base.Writer(column)
    validity = Value.isOptional ? column.unsafeValidity() : nil
  }

  mutating func append(_ value: Value) {
    if !Value.write(value, &writer, count) {
      nullCount += 1
      if let validity { Bits.set(validity, count, false) }
    }
    count += 1
  }

  func export(to array: UnsafeMutablePointer<ArrowArray>) throws(VolleyError) {
    column.finish(count: count, nullCount: nullCount)
    try column.exported().export(to: array)
  }
}

extension Tables {
  private static func aggregate(
    _ pointer: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<volley_error>?,
    _ body: (AnyAggregateInstance) throws -> Void
  ) -> Int32 {
    serve(context(pointer), error) { try body(try instance(pointer)) }
  }

  private static func there<Pointer>(_ pointer: Pointer?) throws(VolleyError) -> Pointer {
    guard let pointer else { throw VolleyError("a call of an aggregate without what it needs", domain: .internal) }
    return pointer
  }

  // Written once, before anybody reads.
  nonisolated(unsafe) static let aggregate = permanent(
    volley_aggregate(
      header: header(volley_aggregate.self), open: open, close: close, destroy: destroy,
      grow: { pointer, store, slotCount, error in
        aggregate(pointer, error) { try $0.grow(store, to: Int(slotCount)) }
      },
      accumulate: { pointer, store, slots, count, rows, error in
        aggregate(pointer, error) { try $0.add(try there(rows), store, try there(slots), Int(count), running: nil) }
      },
      accumulate_running: { pointer, store, slots, count, rows, results, error in
        aggregate(pointer, error) {
          try $0.add(try there(rows), store, try there(slots), Int(count), running: try there(results))
        }
      },
      merge: { pointer, store, slots, count, accumulators, error in
        aggregate(pointer, error) { try $0.merge(try there(accumulators), store, try there(slots), Int(count)) }
      },
      finish: { pointer, store, slots, count, results, error in
        aggregate(pointer, error) { try $0.finish(store, try there(slots), Int(count), into: try there(results)) }
      },
      encode: { pointer, store, slots, count, accumulators, error in
        aggregate(pointer, error) { try $0.encode(store, try there(slots), Int(count), into: try there(accumulators)) }
      },
      reset: { pointer, store, slots, count, error in
        aggregate(pointer, error) { try $0.reset(store, try there(slots), Int(count)) }
      },
      drop: { pointer, store in (try? instance(pointer, as: AnyAggregateInstance.self))?.drop(store) },
      memory: { pointer, store in
        UInt64((try? instance(pointer, as: AnyAggregateInstance.self))?.byteCount(store) ?? 0)
      }))
}
