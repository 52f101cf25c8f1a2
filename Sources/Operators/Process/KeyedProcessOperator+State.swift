import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What of a process function outlives the process: its states, each a table of its own, and its timers.
extension KeyedProcessOperator {
  /// - Parameter keys: the key's columns in `input`.
  public static func stateTables(_ states: [Plan.State], keys: [Int], input: Schema) -> [StateTable] {
    let fields = keys.map { input.fields[$0] }
    return states.map { StateStore.table($0, keys: fields) } + [ProcessTimers.table(keys: fields)]
  }

  public var stateTables: [StateTable] {
    Self.stateTables(states.declarations, keys: Array(keySchema.fields.indices), input: keySchema)
  }

  public func trackChanges() {
    states.trackChanges(keySchema.fields)
    timers.trackChanges(keySchema.fields)
    states.settle = { [unowned self] () throws(Failure) in
      for store in states.stores { try store.changes?.settle(states.table) }
      try timers.settle(states.table)
    }
  }

  public func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    let keyCount = keySchema.fields.count
    let keys = Array(entries.columns.prefix(keyCount))
    let values = Array(entries.columns.dropFirst(keyCount))
    try reserve(keys, entries, table: table)
    let slots = try states.slots(of: keys, rowCount: entries.length)
    defer { withExtendedLifetime(slots) {} }
    guard table < states.stores.count else { return timers.restore(values, slots.pointer, count: entries.length) }
    try states.stores[table].restore(
      values, slots.pointer, count: entries.length, states.keyRecords, at: clock.now.microseconds)
  }

  private func reserve(_ keys: [Column], _ entries: RecordBatch, table: Int) throws(Failure) {
    let growth = states.growth(keys, rowCount: entries.length)
    guard let spill else { return try reserve(growth) }
    if !claim(growth, spill), let refusal = spill.refusal { throw refusal }
  }

  public func restored() throws(Failure) {
    for store in states.stores { store.restored() }
    try reserve(0)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    for (index, store) in states.stores.enumerated() {
      try store.takeChanges(into: &changes, table: index, states.table)
    }
    try timers.takeChanges(into: &changes, table: states.stores.count, states.table)
    // What leaves memory now would be in this epoch or in none: that is for the next call.
    if let spill { _ = claim(0, spill) } else { try reserve(0) }
  }
}

extension KeyedStates {
  fileprivate func trackChanges(_ keys: [Field]) { for store in stores { store.trackChanges(keys) } }
}
