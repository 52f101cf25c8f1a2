import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The timers of keys that are not in memory, in the order of their times, so that what is due is found without a look at all others.
///
/// They lie in a database of their own, which no epoch has: after a restart they are read from the table of all timers. So timers take
/// no memory of the operator's while their keys are away, however many they are. It is made when the first timer leaves. One thread
/// at a time.
final class DepartedTimers {
  private let all: StateDatabase
  private var database: StateDatabase?
  private let table: StateTable
  private var entry: Schema { table.entry }
  private let keyCount: Int
  /// By clock: no timer is before this; nil when there is none.
  private var next: [TimerClock: Int64] = [:]

  /// - Parameters:
  ///   - all: the database with the table of all timers.
  ///   - keys: of the operator.
  init(beside all: StateDatabase, keys: [Field]) {
    let timers = ProcessTimers.table(keys: keys)
    table = StateTable("(departed timers)", key: [], namespace: timers.namespace + keys, value: [])
    self.all = all
    keyCount = keys.count
  }

  /// No timer of the clock comes before this; nil when there is none. One whose key has come back may still count.
  func nextTime(_ clock: TimerClock) -> Int64? { next[clock] }

  /// Timers whose keys leave memory, or come back.
  ///
  /// - Parameter entries: key, clock and time of each.
  func change(_ entries: [Column], count: Int, areLeaving: Bool) throws(Failure) {
    if count == 0 { return }
    let (keys, times) = (entries.prefix(keyCount), Array(entries.dropFirst(keyCount)))
    let batch = RecordBatch(schema: entry, columns: times + keys, length: count)
    var changes = StateChanges()
    let database: StateDatabase
    if let made = self.database {
      database = made
    } else {
      precondition(areLeaving, "a timer has left before it comes back")
      database = try all.makeCompanion("timers", tables: [table])
      self.database = database
    }
    if areLeaving {
      changes.put(batch, table: 0)
      let event = Array(ProcessTimers.name(.event).utf8)
      for row in 0..<count {
        let clock: TimerClock = times[0].bytes(at: row).elementsEqual(event) ? .event : .processing
        let time = times[1].values(Int64.self)[row]
        next[clock] = min(next[clock] ?? time, time)
      }
    } else {
      changes.remove(batch, table: 0)
    }
    try database.apply(changes)
  }

  /// Keys of timers that are due, by their times: those up to `last`, but perhaps not all at that very time. A key may come more than
  /// once. They stay until they are told to have come back. Nil when none is due.
  func due(
    _ clock: TimerClock, upTo time: Int64, limit: Int
  ) throws(Failure) -> (keys: [Column], count: Int, last: Int64)? {
    guard let database, let first = next[clock], first <= time else { return nil }
    let name = ProcessTimers.name(clock)
    let start = RecordBatch(
      schema: Schema(Array(entry.fields.prefix(2))),
      columns: [
        Column.constant(.utf8(name), count: 1),
        Column.constant(.timestamp(first, .microsecond, timezone: nil), count: 1),
      ], length: 1)
    let entries = try database.cursor(table: 0, from: start).next(limit)
    guard let entries, entries.columns[0].bytes(at: 0).elementsEqual(Array(name.utf8)) else {
      next[clock] = nil
      return nil
    }
    let times = entries.columns[1].values(Int64.self)
    next[clock] = times[0]
    var count = 0
    while count < entries.length, times[count] <= time,
      entries.columns[0].bytes(at: count).elementsEqual(Array(name.utf8))
    {
      count += 1
    }
    if count == 0 { return nil }
    let last = times[count - 1]
    return (entries.columns.dropFirst(2).map { $0.gather(Selection(0..<count)) }, count, last)
  }
}
