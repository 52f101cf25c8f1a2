import Arrow
import Base
import VolleyPlan

/// A few times of an operator that are the same in all its subtasks when a barrier has come, because watermarks and barriers
/// come in one order: up to when windows are closed, say. The table has one entry a subtask.
///
/// Where times are not the same, in processing time, a subtask has its own back if there are as many subtasks as there were;
/// else all have the latest ones.
public struct SubtaskTimes {
  /// What a subtask of before had.
  private struct Entry {
    var subtask: Int64
    var parallelism: Int64
    var times: [Int64]
  }

  private let subtask: Int64
  private let parallelism: Int64
  private var entries: [Entry] = []
  /// As they were taken last; nil: not yet.
  private var taken: [Int64]?

  /// - Parameter subtask: the index of the subtask, below `parallelism`.
  public init(subtask: Int, parallelism: Int) {
    self.subtask = Int64(subtask)
    self.parallelism = Int64(parallelism)
  }

  /// The table of times with these names; microseconds.
  public static func table(_ name: String, of times: [String]) -> StateTable {
    StateTable(
      name, scope: .subtask, key: [],
      value: (["subtask", "parallelism"] + times).map { Field($0, .int64, nullable: false) })
  }

  /// Some entries of the table.
  public mutating func restore(_ rows: RecordBatch) {
    let columns = rows.columns.map { $0.values(Int64.self) }
    for row in 0..<rows.length {
      entries.append(
        Entry(
          subtask: columns[0][row], parallelism: columns[1][row], times: columns.dropFirst(2).map { $0[row] }))
    }
    withExtendedLifetime(rows) {}
  }

  /// The subtask's own times of before, if there were as many subtasks; to be asked for before `restored`.
  public var own: [Int64]? {
    guard entries.allSatisfy({ $0.parallelism == parallelism }) else { return nil }
    return entries.first { $0.subtask == subtask }?.times
  }

  /// The times to go on with, when all entries were given; nil when there were none.
  ///
  /// - Parameter ownFirst: whether the subtask's own entry counts for more than later times of others.
  public mutating func restored(ownFirst: Bool = false) -> [Int64]? {
    defer { entries = [] }
    if ownFirst, let own { return own }
    guard let first = entries.first else { return nil }
    return entries.dropFirst().reduce(first.times) { times, entry in zip(times, entry.times).map { max($0, $1) } }
  }

  /// Gives the entry, if it is another one than the last, or the first.
  public mutating func take(_ times: [Int64], into changes: inout StateChanges, table: Int, _ tables: [StateTable]) {
    if times == taken { return }
    taken = times
    let columns = ([subtask, parallelism] + times).map { Column.constant(.int64($0), count: 1) }
    changes.put(RecordBatch(schema: tables[table].entry, columns: columns, length: 1), table: table)
  }
}
