import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The rows that windows of a join have, with their times.
struct WindowJoinRows {
  private let kind: Plan.JoinKind
  private let layout: JoinLayout
  let state: JoinState

  init(_ kind: Plan.JoinKind, _ layout: JoinLayout, memory: StateMemory) {
    self.kind = kind
    self.layout = layout
    state = JoinState(layout, Self.format(layout), expiring: true, memory: memory)
  }

  static func format(_ layout: JoinLayout) -> JoinFormat { JoinFormat(layout) { _ in JoinFormat.Facts() } }

  /// - Parameter batch: without a selection.
  func times(of batch: RecordBatch, input: Int) throws(Failure) -> EventTimes {
    try EventTimes(batch.columns[layout.times[input].column], shift: layout.times[input].shift)
  }

  /// Keeps the rows of a batch without a selection; those that can have no partner only where they are told without one.
  ///
  /// - Parameter body: what else is to be done with the slots of rows and their times.
  func append(
    _ batch: RecordBatch, input: Int, _ body: (SlotBuffer, EventTimes) -> Void = { _, _ in }
  ) throws(Failure) {
    let parts = try JoinBatch(batch, keys: layout.keys[input])
    if parts.count > 0 { try append(parts, input: input, hasPartners: true, body) }
    guard let keyless = parts.keyless, kind.keepsAll(ofInput: input) || (kind == .anti && input == 0) else { return }
    try append(JoinBatch(all: keyless, keys: layout.keys[input]), input: input, hasPartners: false, body)
  }

  private func append(
    _ batch: JoinBatch, input: Int, hasPartners: Bool, _ body: (SlotBuffer, EventTimes) -> Void
  ) throws(Failure) {
    let slots = try state.find(batch, input: input)
    if !hasPartners { state.setKeyless(slots) }
    let times = try times(of: batch.rows, input: input)
    try state.stores[input].append(batch.rows, slots: slots.pointer, times: times.pointer)
    body(slots, times)
    withExtendedLifetime((slots, times)) {}
  }

  /// Keeps a row if its key has another one with a time in `times`.
  ///
  /// - Returns: whether it was kept.
  func append(
    _ row: RecordBatch, input: Int, ifNear times: ClosedRange<Int64>, _ body: (SlotBuffer, EventTimes) -> Void
  ) throws(Failure) -> Bool {
    let slots = try state.find(JoinBatch(all: row, keys: layout.keys[input]), input: input)
    var (low, high) = (times.lowerBound, times.upperBound)
    let isNear = state.stores.contains { store in
      var cursor = RowCursor()
      return store.match(slots.pointer, count: 1, from: &low, to: &high, cursor: &cursor, limit: 1).count > 0
    }
    if isNear { try append(row, input: input, body) } else { try state.release([slots.pointer[0]]) }
    return isNear
  }

  /// Forgets the rows before a time.
  func remove(before time: Int64) throws(Failure) {
    for (input, store) in state.stores.enumerated() {
      while true {
        let numbers = store.popExpired(before: time)
        if numbers.isEmpty { break }
        try state.release(state.remove(numbers, count: numbers.count, input: input))
      }
    }
    try state.settle()
  }
}
