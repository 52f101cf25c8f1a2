import Arrow
import Base
import State
import VolleyPlan

/// How the rows that a join keeps are entries of tables: one table an input that has rows to keep.
struct JoinFormat: Sendable {
  struct Input: Sendable {
    let input: Int
    let rows: RowFormat
    /// What entries say beside the rows' columns, in this order: when a row came, whether it has had a partner, up to when it
    /// holds, and columns that are equal though they are no key.
    let hasTimes: Bool
    let hasMarks: Bool
    let hasEnds: Bool
    let equalCount: Int
  }

  let inputs: [Input]
  var tables: [StateTable] { inputs.map(\.rows.table) }

  init(_ inputs: [Input]) { self.inputs = inputs }

  /// What entries say of the rows of an input.
  struct Facts {
    /// When they came: of rows whose own columns do not tell by what time they go.
    var times = false
    var marks = false
    var ends = false
    /// Whether of the rows their keys are kept alone.
    var keysOnly = false
    /// Whether all subtasks have all rows.
    var everywhere = false
  }

  /// - Parameter facts: of an input; nil: its rows are not kept.
  init(_ layout: JoinLayout, _ facts: (_ input: Int) -> Facts?) {
    inputs = layout.inputs.indices.compactMap { input in facts(input).map { Self.input(input, layout, $0) } }
  }

  private static func input(_ input: Int, _ layout: JoinLayout, _ facts: Facts) -> Input {
    // The names of the first input, for all of them.
    let equal = layout.keys[0].map { layout.inputs[0].fields[$0] }
    let keyCount = facts.everywhere ? 0 : layout.keyCount
    let others = facts.keysOnly ? Array(equal.dropFirst(keyCount)) : []
    let rows = facts.keysOnly ? Schema([]) : layout.inputs[input]
    let time = DataType.timestamp(.microsecond, timezone: nil)
    let fields =
      (facts.times ? [Field("$time", time, nullable: false)] : [])
      + (facts.marks ? [Field("$partnered", .bool, nullable: false)] : [])
      + (facts.ends ? [Field("$until", time)] : []) + others
    let format = RowFormat(
      "input\(input)", scope: facts.everywhere ? .subtask : .key, key: Array(equal.prefix(keyCount)), rows: rows,
      keyColumns: facts.keysOnly ? nil : Array(layout.keys[input].prefix(keyCount)), facts: fields)
    return Input(
      input: input, rows: format, hasTimes: facts.times, hasMarks: facts.marks, hasEnds: facts.ends,
      equalCount: others.count)
  }
}

/// The tables of the state that a join keeps.
public func joinStateTables(_ join: Plan.Join, layout: JoinLayout) -> [StateTable] {
  switch join.bounds {
  case .unbounded(let bounds):
    return layout.kindColumns.contains { $0 != nil }
      ? ChangelogJoinOperator.format(join, bounds, layout).tables
      : UnboundedJoinOperator.format(join, bounds, layout).tables
  case .interval: return IntervalJoinOperator.format(join.kind, layout).tables
  case .version: return VersionJoinOperator.format(layout).tables
  case .side(let bounds): return SideJoinOperator.tables(bounds, layout)
  case .window(let bounds):
    switch bounds.assigner {
    case .inherited: return IntervalJoinOperator.format(join.kind, layout).tables
    case .session: return WindowJoinRows.format(layout).tables
    default: return WindowJoinOperator.tables(layout)
    }
  }
}
