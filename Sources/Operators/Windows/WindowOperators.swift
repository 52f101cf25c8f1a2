import Arrow
import Base
import Dataflow
import Expressions
import VolleyPlan

/// Makes the operator that suits a window's assigner.
///
/// - Parameters:
///   - records: the schema of the records, also when partial aggregates arrive: the arguments are typed by it.
///   - output: the schema of output 0: `row_kind` if results are updated, the key columns, `window_start` and
/// `window_end` but of
///     count windows, one column an aggregate.
public func makeWindowOperator(
  _ window: Plan.Window, input: WindowOperator.Input, records: Schema, output: Schema,
  functions: any ScalarFunctionProvider, context: SubtaskContext
) throws(Failure) -> any StatefulOperator {
  switch (window.assigner, input) {
  case (.count(let windows), .records(let keys, _)):
    try CountWindowOperator(
      window, windows, keys: keys, records: records, output: output, functions: functions, context: context)
  case (.session(let windows), .records(let keys, let time)):
    try SessionOperator(
      window, gap: windows.gap, keys: keys, time: time, records: records, output: output, functions: functions,
      context: context)
  default:
    if window.emission == .updating {
      try UpdatingWindowOperator(
        window, input: input, records: records, output: output, functions: functions, context: context)
    } else {
      try WindowOperator(
        window, input: input, records: records, output: output, functions: functions, context: context)
    }
  }
}

extension Plan.Window {
  /// Whether a window's only result comes so long after its end that watermarks have passed it.
  var delaysResults: Bool { emission == .final && allowedLateness > 0 && time == .event }
}
