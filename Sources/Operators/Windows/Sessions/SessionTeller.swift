import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Tells sessions whose results are corrected, as changelog rows.
final class SessionTeller {
  /// The times of the first and the last row of a session as it was told.
  private struct Bounds {
    var first: Int64 = 0
    var last: Int64 = 0
  }

  private let gap: Int64
  private let revisions: Revisions
  /// By slot.
  private let bounds = SlotColumn(initial: Bounds())
  private let schema: Schema

  init(gap: Int64, aggregates: AggregateSet, schema: Schema) {
    self.gap = gap
    revisions = Revisions(aggregates)
    self.schema = schema
  }

  /// Bytes of memory that it holds.
  var byteCount: Int { revisions.byteCount + bounds.byteCount }
  /// Whether there may be something to tell.
  var hasChanges: Bool { revisions.hasChanges }

  /// Rows have come to these slots.
  func note(_ slots: SlotBuffer, count: Int, slotCount: Int) {
    bounds.grow(to: slotCount)
    revisions.note(slots.pointer, count: count, weights: nil, slotCount: slotCount)
  }

  /// Whether a result of the session has been told.
  func isTold(_ slot: UInt32) -> Bool { revisions.isTold(slot) }

  /// See `Revisions`.
  func takeChanged() -> [UInt32] { revisions.takeChanged() }
  /// See `Revisions`.
  func takeChanged(among slots: UnsafePointer<UInt32>, count: Int, byRows least: Int64) -> [UInt32] {
    revisions.takeChanged(among: slots, count: count, byRows: least)
  }

  /// Tells the results of these sessions.
  func tell(
    _ slots: [UInt32], _ sessions: SessionTable, _ table: any KeyTable, _ aggregates: AggregateSet,
    to collector: any Collector
  ) throws(Failure) {
    var rest = slots[...]
    while !rest.isEmpty {
      let slots = Array(rest.prefix(WindowRows.batchRows))
      rest = rest.dropFirst(slots.count)
      let keys = slots.map { sessions.key(of: $0) }
      let former = bounds(of: slots)
      for slot in slots {
        let session = sessions.session(of: slot)
        bounds.values[Int(slot)] = Bounds(first: session.first, last: session.last)
      }
      let now = bounds(of: slots)
      let (wasTold, results) = try revisions.tell(slots, as: aggregates)
      try collector.emit(
        RevisionRows(
          keys: table.keys(of: keys, count: keys.count), starts: now.starts, ends: now.ends,
          results: aggregates.results(slots, count: slots.count), formerStarts: former.starts, formerEnds: former.ends,
          formerResults: results, wasTold: wasTold
        ).batch(schema), output: 0)
    }
  }

  /// Takes back what was told of sessions that others take in, and goes on with what they had to tell as the others'.
  func withdraw(
    _ merges: [SessionTable.Merge], _ sessions: SessionTable, _ table: any KeyTable, to collector: any Collector
  ) throws(Failure) {
    let told = merges.map(\.from).filter { revisions.isTold($0) }
    if !told.isEmpty {
      let keys = told.map { sessions.key(of: $0) }
      let (starts, ends) = bounds(of: told)
      try collector.emit(
        WindowRows(schema).batch(
          keys: table.keys(of: keys, count: keys.count), start: starts, end: ends, results: revisions.results(told),
          count: told.count, kind: .delete), output: 0)
    }
    for merge in merges { revisions.move(merge.from, to: merge.to) }
    revisions.forget(merges.map(\.from), count: merges.count)
  }

  /// Sessions have ended.
  func forget(_ slots: UnsafePointer<UInt32>, count: Int) { revisions.forget(slots, count: count) }

  // MARK: Entries

  /// The columns of a session's entry that say what was told of it.
  static func fields(_ calls: [Plan.AggregateCall], records: Schema) throws(Failure) -> [Field] {
    ["told_first", "told_last"].map { Field($0, .int64, nullable: false) }
      + (try Revisions.fields(calls, records: records))
  }

  func entries(of slots: Selection) throws(Failure) -> [Column] {
    let (firsts, lasts) = (Buffer(byteCount: slots.count * 8), Buffer(byteCount: slots.count * 8))
    let (first, last) = (firsts.unsafeMutableValues(Int64.self), lasts.unsafeMutableValues(Int64.self))
    for index in 0..<slots.count {
      // Of a session that was not told there may be those of a former one.
      let slot = slots.rows[index]
      let told = revisions.isTold(slot) ? bounds.values[Int(slot)] : Bounds()
      (first[index], last[index]) = (told.first, told.last)
    }
    return [firsts, lasts].map { Column(type: .int64, length: slots.count, validity: nil, buffers: [$0]) }
      + (try revisions.entries(of: slots))
  }

  /// - Parameter columns: as `entries` gave them.
  func restore(_ slots: SlotBuffer, slotCount: Int, _ columns: ArraySlice<Column>) throws(Failure) {
    bounds.grow(to: slotCount)
    let (firsts, lasts) = (columns[columns.startIndex], columns[columns.startIndex + 1])
    let (first, last) = (firsts.values(Int64.self), lasts.values(Int64.self))
    for index in 0..<slots.count {
      bounds.values[Int(slots.pointer[index])] = Bounds(first: first[index], last: last[index])
    }
    withExtendedLifetime((firsts, lasts)) {}
    try revisions.restore(slots, slotCount: slotCount, columns.dropFirst(2))
  }

  private func bounds(of slots: [UInt32]) -> (starts: Buffer, ends: Buffer) {
    let (starts, ends) = (Buffer(byteCount: slots.count * 8), Buffer(byteCount: slots.count * 8))
    let (start, end) = (starts.unsafeMutableValues(Int64.self), ends.unsafeMutableValues(Int64.self))
    for (index, slot) in slots.enumerated() {
      start[index] = bounds.values[Int(slot)].first
      end[index] = bounds.values[Int(slot)].last + gap
    }
    return (starts, ends)
  }
}
