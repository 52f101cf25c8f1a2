import Arrow
import State
import VolleyPlan

extension StateTable {
  /// How far event time had come at an operator, which the subtask keeps for it behind its own tables: an entry a
  /// subtask.
  public static let progress = StateTable(
    "$progress", scope: .subtask, key: [], namespace: [Field("subtask", .int32, nullable: false)],
    value: [
      // Of the subtasks that this one is of.
      Field("parallelism", .int32, nullable: false),
      // The watermark that the operator was told last, in microseconds.
      Field("told", .int64, nullable: false),
      // The one that it gave last, when it makes watermarks.
      Field("given", .int64, nullable: false),
      // Whether its input had ended.
      Field("ended", .bool, nullable: false),
    ])
}
