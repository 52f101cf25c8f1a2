import Arrow
import Base
import State
import VolleyPlan

/// What window operators keep, as tables.
enum WindowTables {
  private static let bound = DataType.timestamp(.microsecond, timezone: nil)
  /// What tells the windows of a key, or their panes, apart.
  static let bounds = [Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false)]

  /// - Parameter value: the columns beside key and bounds.
  static func table(_ name: String, keys: [Field], value: [Field]) -> StateTable {
    StateTable(name, key: keys, namespace: bounds, value: value)
  }

  /// The same bounds for all of `count` rows.
  static func columns(_ span: WindowSpan, _ count: Int) -> [Column] {
    [span.start, span.end].map {
      Column(type: bound, length: count, validity: nil, buffers: [WindowRows.constant($0, count)])
    }
  }

  /// The bounds of each row: 8 bytes.
  static func columns(starts: Buffer, ends: Buffer, count: Int) -> [Column] {
    [starts, ends].map { Column(type: bound, length: count, validity: nil, buffers: [$0]) }
  }

  /// By entry, the end of the next window that it is in; `Int64.max` where it is in no more.
  ///
  /// - Parameters:
  ///   - bounds: the start and the end of a window, or of a pane.
  ///   - series: of panes; nil: bounds are those of windows.
  ///   - time: windows that end at or before it are done with.
  static func dueTimes(_ bounds: ArraySlice<Column>, _ series: WindowSeries?, after time: Int64) -> [Int64] {
    let columns = Array(bounds)
    let (starts, ends) = (columns[0].values(Int64.self), columns[1].values(Int64.self))
    defer { withExtendedLifetime(columns) {} }
    let spans = (0..<columns[0].length).map { WindowSpan(start: starts[$0], end: ends[$0]) }
    return dueTimes(spans, series, after: time)
  }

  /// The same of panes, or windows, one after the other.
  static func dueTimes(_ spans: [WindowSpan], _ series: WindowSeries?, after time: Int64) -> [Int64] {
    spans.map { span in
      if let series { return series.first(of: span, endingAfter: time)?.end ?? .max }
      return span.end > time ? span.end : .max
    }
  }

  /// Where a `WindowStore` has its entries among an operator's tables, which begin with its times.
  static let panes = 1
  static let late = 2

  /// The tables of a `WindowStore`: of windows that have their rows for themselves, or of panes, and of rows that came to panes late.
  static func ofStore(_ window: Plan.Window, keys: [Field], records: Schema) throws(Failure) -> [StateTable] {
    let states = try AggregateSet.namedStateFields(window.aggregates, input: records)
    guard let series = try WindowSeries(window.assigner), !series.isTumbling else {
      return [table("windows", keys: keys, value: states)]
    }
    // Panes of windows of other lengths are not those of these.
    return ["panes", "late rows of panes"].map { table("\($0), \(series.text)", keys: keys, value: states) }
  }

  /// The names of a `WindowStore`'s times.
  static func timesOfStore(_ window: Plan.Window) throws(Failure) -> [String] {
    guard let series = try WindowSeries(window.assigner), !series.isTumbling else { return [] }
    return ["front_end", "merged_end"]
  }
}

/// What window operators keep, without one.
///
/// - Parameters:
///   - keyCount: how many columns the key has, the first ones of `output` but for `row_kind`.
///   - records, output: as of `makeWindowOperator`.
public func windowStateTables(
  _ window: Plan.Window, keyCount: Int, records: Schema, output: Schema
) throws(Failure) -> [StateTable] {
  let first = output.fields.first?.name == Plan.rowKindColumn ? 1 : 0
  let keys = Array(output.fields.dropFirst(first).prefix(keyCount))
  switch window.assigner {
  case .count(let windows): return try CountWindowOperator.stateTables(window, windows, keys: keys, records: records)
  case .session: return try SessionOperator.stateTables(window, keys: keys, records: records)
  default:
    if window.emission == .updating {
      return try UpdatingWindowOperator.stateTables(window, keys: keys, records: records)
    }
    return try WindowOperator.stateTables(window, keys: keys, records: records)
  }
}
