import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// Looks for state of keys that are not in memory whose time to live is over, so that it leaves the disk though nobody asks for its
/// key: from time to time it goes through the tables, key group by key group. One thread at a time.
final class ExpirySweep {
  private struct Table {
    var index: Int
    var duration: Int64
    /// All entries of a key live as long as the one that was written last.
    var isList: Bool
  }

  private let database: StateDatabase
  private let keyTypes: [DataType]
  private let tables: [Table]
  /// Nothing of keys that are away expires before this.
  private var earliest: Int64
  /// The same of what the walk under way has seen.
  private var earliestSeen = Int64.max
  /// Where the walk goes on; nil between walks.
  private var place: (table: Int, group: Int)?
  private var nextStep = Int64.min
  /// From a step of a walk to the next one, and from a walk to the next one at the least.
  private static let stepPause: Int64 = 20_000
  private static let walkPause: Int64 = 1_000_000
  /// What has expired is on the disk for so long a part of its life more, at the most and about.
  private static let lateness: Int64 = 8

  /// - Parameter isEmpty: whether the database has nothing yet.
  init?(_ states: [Plan.State], keys: [Field], _ database: StateDatabase, isEmpty: Bool) {
    tables = states.enumerated().compactMap { index, state in
      state.timeToLive.map { Table(index: index, duration: $0, isList: state.kind == .list) }
    }
    if tables.isEmpty { return nil }
    self.database = database
    keyTypes = keys.map(\.type)
    earliest = isEmpty ? .max : .min
  }

  /// Keys leave memory of whose state nothing expires before `time`.
  func note(_ time: Int64) {
    earliest = min(earliest, time)
    earliestSeen = min(earliestSeen, time)
  }

  /// When it has something to do; nil when nothing can expire.
  var wakeTime: Int64? { place == nil && earliest == .max ? nil : max(nextStep, place == nil ? earliest : .min) }

  /// Looks on, if it is time to: keys that have something that is expired, each once, as far as the database knows.
  func step(at now: Int64) throws(Failure) -> (keys: [Column], count: Int)? {
    guard let wakeTime, wakeTime <= now else { return nil }
    let groups = database.part.groups
    let (number, group) = place ?? (0, groups.lowerBound)
    if place == nil { earliestSeen = .max }
    let found = try expired(tables[number], group, at: now)
    nextStep = now.addingReportingOverflow(Self.stepPause).partialValue
    if group + 1 < groups.upperBound {
      place = (number, group + 1)
    } else if number + 1 < tables.count {
      place = (number + 1, groups.lowerBound)
    } else {
      place = nil
      earliest = earliestSeen
      let shortest = tables.reduce(Int64.max) { min($0, $1.duration) }
      nextStep = now.addingReportingOverflow(max(Self.walkPause, shortest / Self.lateness)).partialValue
    }
    return found
  }

  private func expired(_ table: Table, _ group: Int, at now: Int64) throws(Failure) -> (keys: [Column], count: Int)? {
    let keys = makeKeyTable(keyTypes, keepingKeys: true)
    // By slot: when the key's state, or the first of it, expires.
    let times = SlotColumn<Int64>(initial: table.isList ? .min : .max)
    try database.scan(table: table.index, groups: group..<group + 1) { entries throws(Failure) in
      let slots = SlotBuffer(count: entries.length)
      try keys.find(Array(entries.columns.prefix(keyTypes.count)), rowCount: entries.length, into: slots.pointer)
      times.grow(to: keys.slotCount)
      guard let written = entries.columns.last else { preconditionFailure("what expires knows when it was written") }
      for row in 0..<entries.length {
        // What nobody noted the time of lives on from when it comes into memory.
        let (time, overflow) =
          written.isValid(row)
          ? written.values(Int64.self)[row].addingReportingOverflow(table.duration) : (.max, false)
        let place = times.values + Int(slots.pointer[row])
        place.pointee =
          table.isList ? max(place.pointee, overflow ? .max : time) : min(place.pointee, overflow ? .max : time)
      }
      withExtendedLifetime(slots) {}
    }
    var due: [UInt32] = []
    for slot in 0..<keys.slotCount {
      let time = times.values[slot]
      if time <= now { due.append(UInt32(slot)) } else { earliestSeen = min(earliestSeen, time) }
    }
    return due.isEmpty ? nil : (try keys.keys(of: due, count: due.count), due.count)
  }
}
