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
    try UnboundedJoinOperator(join, bounds, layout: layout, functions: functions, context: context)
  }
}

extension Plan.Join {
  /// Whether rows are told that are taken back later.
  public var isChangelog: Bool {
    switch bounds {
    case .unbounded: kind != .inner && kind != .semi
    }
  }
}
