import Arrow
import Base
import Dataflow
import VolleyPlan

/// What tells the windows of a row.
public enum RowTime {
  /// A timestamp column that is never null, and microseconds to be added.
  case event(column: Int, shift: Int64)
  /// When it comes.
  case processing(SubtaskClock)
  /// Timestamp columns that are never null: the start and the end of its window.
  case bounds(start: Int, end: Int)
}

/// Finds the panes of the rows of a batch.
struct PaneFinder {
  private let time: RowTime
  /// Nil when rows tell their windows.
  private var series: WindowSeries?

  /// - Throws: a `usage` failure for a zone that is not known.
  init(_ time: RowTime, _ assigner: Plan.WindowAssigner) throws(Failure) {
    self.time = time
    series = try WindowSeries(assigner)
  }

  /// - Parameter batch: with at least one row that counts.
  /// - Throws: a `data` failure for a time that is too far away from 1970.
  mutating func split(_ batch: RecordBatch) throws(Failure) -> PaneSplit {
    switch time {
    case .bounds(let start, let end):
      let starts = try EventTimes(batch.compactedColumn(start))
      let ends = try EventTimes(batch.compactedColumn(end))
      defer { withExtendedLifetime((starts, ends)) {} }
      return PaneSplit(starts: starts.pointer, ends: ends.pointer, count: starts.count)
    case .event(let column, let shift):
      let times = try EventTimes(batch.compactedColumn(column), shift: shift)
      defer { withExtendedLifetime(times) {} }
      return try split(times.pointer, times.count)
    case .processing(let clock):
      var now = clock.now.microseconds
      return try split(&now, 1)
    }
  }

  private mutating func split(_ times: UnsafePointer<Int64>, _ count: Int) throws(Failure) -> PaneSplit {
    guard var series else { preconditionFailure("rows that do not tell their windows are put into a series") }
    defer { self.series = series }
    return try PaneSplit(times, count: count, &series)
  }
}
