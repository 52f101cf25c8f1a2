import Base
import Dataflow
import Expressions
import VolleyPlan

/// Makes the operator that suits a join's bounds.
public func makeJoinOperator(
  _ join: Plan.Join, layout: JoinLayout, functions: any ScalarFunctionProvider, context: SubtaskContext
) throws(Failure) -> any Operator {
  switch join.bounds {
  case .unbounded(let bounds):
    if layout.kindColumns.contains(where: { $0 != nil }) {
      return try ChangelogJoinOperator(join, bounds, layout: layout, functions: functions, context: context)
    }
    return try UnboundedJoinOperator(join, bounds, layout: layout, functions: functions, context: context)
  case .interval(let bounds):
    return try IntervalJoinOperator(
      join, JoinInterval(lower: bounds.lower, upper: bounds.upper), layout: layout, functions: functions,
      context: context)
  case .version:
    return try VersionJoinOperator(join, layout: layout, functions: functions, context: context)
  case .side(let bounds):
    return try SideJoinOperator(join, bounds, layout: layout, functions: functions, context: context)
  case .window(let bounds):
    switch bounds.assigner {
    case .inherited:
      // Rows of one window have one event time, the last of the window, and the window is among what is equal.
      return try IntervalJoinOperator(
        join, JoinInterval(lower: 0, upper: 0), layout: layout, functions: functions, context: context)
    case .session(let windows):
      return try SessionJoinOperator(join, gap: windows.gap, layout: layout, functions: functions, context: context)
    default:
      guard let series = try WindowSeries(bounds.assigner) else {
        preconditionFailure("planning refuses joins on windows of a number of rows")
      }
      return try WindowJoinOperator(join, series, layout: layout, functions: functions, context: context)
    }
  }
}

extension Plan.Join {
  /// Whether rows of the output may revise former ones.
  ///
  /// - Parameter changelogs: whether an input is a changelog.
  func isChangelog(ofChangelogs changelogs: Bool) -> Bool {
    switch bounds {
    case .unbounded: changelogs || (kind != .inner && kind != .semi)
    case .interval, .window, .version, .side: false
    }
  }
}
