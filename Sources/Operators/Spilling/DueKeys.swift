import Arrow
import Base
import State
import VolleyPlan

/// When there is something to do with keys that are not in memory, in the order of the times, so that what is due is found without a
/// look at all others.
///
/// It lies in a database of its own, which no epoch has: after a restart it is made anew of the entries. A key may be in it with
/// times that are past its due, since what changes is only added to. One thread at a time.
final class DueKeys {
  private let database: StateDatabase
  private let entry: Schema
  /// Nothing is due before; nil when nothing is there.
  private(set) var nextTime: Int64?
  /// What was removed last: nothing is before it. Nil when something has come since that may be.
  private var passed: RecordBatch?

  /// - Parameters:
  ///   - all: the database that has the keys.
  ///   - keys: of its tables.
  init(beside all: StateDatabase, keys: [Field]) throws(Failure) {
    let time = Field("$due", .timestamp(.microsecond, timezone: nil), nullable: false)
    let table = StateTable("(due keys)", key: [], namespace: [time] + keys, value: [])
    database = try all.makeCompanion("due", tables: [table])
    entry = table.entry
  }

  /// - Parameter times: of rows of the keys; `Int64.max`: never.
  func insert(_ keys: [Column], _ times: [Int64]) throws(Failure) {
    let due = times.indices.filter { times[$0] < .max }
    guard let first = due.min(by: { times[$0] < times[$1] }) else { return }
    let column = FixedBuilder<Int64>(entry.fields[0].type)
    for row in due { column.append(times[row]) }
    let rows = Selection(due)
    let batch = RecordBatch(
      schema: entry, columns: [column.finish()] + keys.map { due.count == times.count ? $0 : $0.gather(rows) },
      length: due.count)
    var changes = StateChanges()
    changes.put(batch, table: 0)
    try database.apply(changes)
    nextTime = min(nextTime ?? .max, times[first])
    if let passed, times[first] <= passed.columns[0].values(Int64.self)[0] { self.passed = nil }
  }

  /// The first keys that are due, in the order of their times; nil when none is. They stay until they are removed.
  func due(upTo time: Int64, limit: Int) throws(Failure) -> RecordBatch? {
    guard let nextTime, nextTime <= time else { return nil }
    let atNextTime = RecordBatch(
      schema: Schema([entry.fields[0]]),
      columns: [Column.constant(.timestamp(nextTime, .microsecond, timezone: nil), count: 1)], length: 1)
    // What was removed at that time already need not be gone over.
    let start = passed.flatMap { $0.columns[0].values(Int64.self)[0] >= nextTime ? $0 : nil } ?? atNextTime
    guard let entries = try database.cursor(table: 0, from: start).next(limit), entries.length > 0 else {
      self.nextTime = nil
      return nil
    }
    let times = entries.columns[0].values(Int64.self)
    self.nextTime = times[0]
    var count = 0
    while count < entries.length, times[count] <= time { count += 1 }
    if count == 0 { return nil }
    return count == entries.length ? entries : entries.slice(0..<count).compacted()
  }

  /// - Parameter entries: that were due.
  func remove(_ entries: RecordBatch) throws(Failure) {
    var changes = StateChanges()
    changes.remove(entries, table: 0)
    try database.apply(changes)
    passed = entries.selecting(Selection([entries.length - 1])).compacted()
  }
}
