import Arrow
import Base
import CVolley
import Expressions
import VolleyPlan

/// A plugin's aggregate: one instance, with a store for each accumulator.
final class PluginAggregate: UserAggregate {
  typealias Pointer = UnsafeMutableRawPointer?
  typealias Slots = UnsafePointer<UInt32>
  typealias Array = UnsafeMutablePointer<ArrowArray>

  private enum Slot: String, CaseIterable {
    case grow, accumulate, merge, finish, encode, reset, drop, memory
    case accumulateRunning = "accumulate_running"
  }

  private let instance: PluginInstance
  private let slots: volley_aggregate
  private let sites: [Slot: CallSite]
  let rows: Schema
  let accumulators: Schema
  let result: Field
  /// What goes in, what comes out.
  private let structs: Array
  private var storeCount: UInt32 = 0

  init(
    _ instance: PluginInstance, rows: Schema, accumulators: Schema, result: Field
  ) throws(Failure) {
    self.instance = instance
    self.rows = rows
    self.accumulators = accumulators
    self.result = result
    let table = try instance.table(
      volley_aggregate.self, .aggregate, open: (\.open, volley_aggregate_has_open),
      close: (\.close, volley_aggregate_has_close), destroy: (\.destroy, volley_aggregate_has_destroy))
    try table.require(\.grow, "grow", volley_aggregate_has_grow)
    try table.require(\.accumulate, "accumulate", volley_aggregate_has_accumulate)
    try table.require(\.accumulate_running, "accumulate_running", volley_aggregate_has_accumulate_running)
    try table.require(\.merge, "merge", volley_aggregate_has_merge)
    try table.require(\.finish, "finish", volley_aggregate_has_finish)
    try table.require(\.encode, "encode", volley_aggregate_has_encode)
    try table.require(\.reset, "reset", volley_aggregate_has_reset)
    try table.require(\.drop, "drop", volley_aggregate_has_drop)
    try table.require(\.memory, "memory", volley_aggregate_has_memory)
    slots = table.pointer.pointee
    structs = .allocate(capacity: 2)
    structs.initialize(repeating: ArrowArray(), count: 2)
    sites = Dictionary(
      uniqueKeysWithValues: Slot.allCases.map { ($0, instance.site($0.rawValue)) })
  }

  deinit { structs.deallocate() }

  func open() throws(Failure) { try instance.open() }
  func close() throws(Failure) { try instance.close() }

  func makeAccumulator() -> any Accumulator {
    defer { storeCount += 1 }
    return PluginAccumulator(self, store: storeCount)
  }

  // MARK: Calls

  private func site(_ slot: Slot) -> CallSite {
    guard let site = sites[slot] else { preconditionFailure("each slot has a site") }
    return site
  }

  /// A call that takes no array and gives none.
  private func run(_ slot: Slot, _ name: StaticString, _ body: (Pointer, ErrorPointer) -> Int32)
    throws(Failure)
  {
    instance.error.reset()
    let (site, pointer, error) = (site(slot), instance.selfPointer, instance.error.pointer)
    let status = site.run { body(pointer, error) }
    try instance.finish(status, name)
  }

  typealias ErrorPointer = UnsafeMutablePointer<volley_error>

  func grow(_ store: UInt32, to slotCount: Int) throws(Failure) {
    try run(.grow, "grow") { slots.grow($0, store, UInt64(slotCount), $1) }
  }

  func reset(_ store: UInt32, _ slots: Slots, count: Int) throws(Failure) {
    try run(.reset, "reset") { self.slots.reset($0, store, slots, UInt64(count), $1) }
  }

  /// What goes wrong where nothing can be thrown is thrown by the next call.
  func note(_ failure: Failure) { instance.context.remember(failure) }

  func drop(_ store: UInt32) {
    guard instance.isOpen else { return }
    let pointer = instance.selfPointer
    site(.drop).run { slots.drop(pointer, store) }
  }

  func memory(_ store: UInt32) -> Int {
    guard instance.isOpen else { return 0 }
    let pointer = instance.selfPointer
    return Int(clamping: site(.memory).run { slots.memory(pointer, store) })
  }

  func accumulate(_ store: UInt32, _ slots: Slots, _ batch: RecordBatch) throws(Failure) {
    let given = structs
    instance.context.give(batch, in: given)
    defer { ArrayLedger.takeBack(given) }
    try run(.accumulate, "accumulate") { self.slots.accumulate($0, store, slots, UInt64(batch.length), given, $1) }
  }

  func merge(_ store: UInt32, _ slots: Slots, _ batch: RecordBatch) throws(Failure) {
    let given = structs
    instance.context.give(batch, in: given)
    defer { ArrayLedger.takeBack(given) }
    try run(.merge, "merge") { self.slots.merge($0, store, slots, UInt64(batch.length), given, $1) }
  }

  func accumulateRunning(_ store: UInt32, _ slots: Slots, _ batch: RecordBatch) throws(Failure) -> Column {
    let given = structs
    instance.context.give(batch, in: given)
    defer { ArrayLedger.takeBack(given) }
    return try results(.accumulateRunning, "accumulate_running", batch.length) {
      self.slots.accumulate_running($0, store, slots, UInt64(batch.length), given, $1, $2)
    }
  }

  func finish(_ store: UInt32, _ slots: Slots, count: Int) throws(Failure) -> Column {
    try results(.finish, "finish", count) { self.slots.finish($0, store, slots, UInt64(count), $1, $2) }
  }

  private func results(
    _ slot: Slot, _ name: StaticString, _ count: Int, _ body: (Pointer, Array, ErrorPointer) -> Int32
  ) throws(Failure) -> Column {
    try take(slot, name, count, body) { array throws(Failure) in
      try instance.context.arrays.take(array, field: result) { "\(instance.context.label) returned from '\(name)'" }
    }
  }

  func encode(_ store: UInt32, _ slots: Slots, count: Int) throws(Failure) -> [Column] {
    try take(.encode, "encode", count) { pointer, array, error in
      self.slots.encode(pointer, store, slots, UInt64(count), array, error)
    } _: { array throws(Failure) in
      try instance.context.arrays.take(array, schema: accumulators) {
        "\(instance.context.label) returned from 'encode'"
      }.columns
    }
  }

  /// A call that gives an array of so many rows.
  private func take<Result>(
    _ slot: Slot, _ name: StaticString, _ count: Int, _ body: (Pointer, Array, ErrorPointer) -> Int32,
    _ result: (Array) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let taken = structs + 1
    taken.pointee = ArrowArray()
    do throws(Failure) {
      try run(slot, name) { body($0, taken, $1) }
      let label = instance.context.label
      guard taken.pointee.release != nil else {
        throw Failure(.plugin, "\(label) returned OK from '\(name)' without an array; move one there")
      }
      guard taken.pointee.length == count else {
        throw Failure(
          .plugin, "\(label) returned \(taken.pointee.length) rows from '\(name)' for \(count) slots; return one a slot"
        )
      }
      return try result(taken)
    } catch {
      instance.context.arrays.drop(taken)
      throw error
    }
  }
}

/// One store of a plugin's aggregate.
private final class PluginAccumulator: Accumulator {
  private let aggregate: PluginAggregate
  private let store: UInt32
  private(set) var slotCount = 0
  private var isMade = false

  init(_ aggregate: PluginAggregate, store: UInt32) {
    self.aggregate = aggregate
    self.store = store
  }

  deinit { if isMade { aggregate.drop(store) } }

  var resultType: DataType { aggregate.result.type }
  var stateTypes: [DataType] { aggregate.accumulators.fields.map(\.type) }
  var byteCount: Int { isMade ? aggregate.memory(store) : 0 }

  func grow(to slotCount: Int) throws(Failure) {
    guard slotCount > self.slotCount || !isMade else { return }
    try aggregate.grow(store, to: slotCount)
    self.slotCount = slotCount
    isMade = true
  }

  /// The rows that count, and their slots.
  private func rows(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ input: AggregateInput
  ) -> (batch: RecordBatch, slots: Buffer?) {
    guard let argument = input.argument else { preconditionFailure("a user's aggregate has arguments") }
    let columns = argument.children.indices.map { argument.field($0) }
    guard let rows = input.includedRows(count) else {
      return (RecordBatch(schema: aggregate.rows, columns: columns, length: count), nil)
    }
    let kept = Buffer(byteCount: rows.count * 4)
    let keptSlots = kept.unsafeMutableValues(UInt32.self)
    for index in 0..<rows.count { keptSlots[index] = slots[Int(rows.rows[index])] }
    return (
      RecordBatch(schema: aggregate.rows, columns: columns.map { $0.gather(rows) }, length: rows.count), kept
    )
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    let (batch, kept) = rows(slots, count, input)
    guard batch.length > 0 else { return }
    try aggregate.accumulate(store, kept?.values(UInt32.self) ?? slots, batch)
    withExtendedLifetime(kept) {}
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    let (batch, kept) = rows(slots, count, input)
    guard let kept else { return try aggregate.accumulateRunning(store, slots, batch) }
    // A row that does not count has the result of the rows before it.
    guard let included = input.includedRows(count) else { preconditionFailure("rows were excluded") }
    var results: [Column] = []
    var next = 0
    for index in 0..<included.count {
      let row = Int(included.rows[index])
      if row > next { results.append(try aggregate.finish(store, slots + next, count: row - next)) }
      let one = RecordBatch(
        schema: batch.schema, columns: batch.columns.map { $0.slice(index..<(index + 1)) }, length: 1)
      results.append(try aggregate.accumulateRunning(store, kept.values(UInt32.self) + index, one))
      next = row + 1
    }
    if next < count { results.append(try aggregate.finish(store, slots + next, count: count - next)) }
    return try Column.concatenate(results)
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    guard count > 0 else { return }
    try aggregate.merge(store, slots, RecordBatch(schema: aggregate.accumulators, columns: states, length: count))
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    try grow(to: slotCount)
    return try aggregate.finish(store, slots, count: count)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    try grow(to: slotCount)
    return try aggregate.encode(store, slots, count: count)
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    guard count > 0 else { return }
    do throws(Failure) {
      try aggregate.reset(store, slots, count: count)
    } catch {
      aggregate.note(error)
    }
  }

  func removeAll() {
    if isMade { aggregate.drop(store) }
    isMade = false
    slotCount = 0
  }
}
