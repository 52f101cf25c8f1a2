import Arrow
import Base
import Expressions
import VolleyPlan

/// The columns of rows that were combined by key and pane before they travelled: the key columns, the pane's start and
/// end, how many rows each stands for, then the aggregates' states.
struct WindowPartials {
  let keyCount: Int

  var start: Int { keyCount }
  var end: Int { keyCount + 1 }
  var rows: Int { keyCount + 2 }
  var firstState: Int { keyCount + 3 }

  /// Names that no column of a plan has: those are not empty.
  static func schema(
    _ calls: [Plan.AggregateCall], keys: [Int], input: Schema
  ) throws(Failure) -> Schema {
    let time = DataType.timestamp(.microsecond, timezone: nil)
    return Schema(
      keys.map { input.fields[$0] } + [Field("", time, nullable: false), Field("", time, nullable: false)]
        + [Field("", .int64, nullable: false)] + (try AggregateSet.stateFields(calls, input: input)))
  }
}
