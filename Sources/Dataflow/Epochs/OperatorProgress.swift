import Arrow
import Base
import State
import VolleyPlan

/// How far event time has come at an operator: what of it outlives the process, beside the operator's own state.
///
/// This is enough for an operator to decide after a restart what is late as it would have without. The minimum over the
/// channels that feed a subtask and those over a chain's origins are not kept: an operator hears of them only when they
/// are above what it was told last, which is kept here, and after a restart they grow again from what the operators
/// that make watermarks say once more, which is kept here too. Until they are above what was told nothing moves, as it
/// would not have without the restart. That a channel was idle is not kept: it holds the others back until it is idle
/// again, which delays results and makes no row late.
struct OperatorProgress: Equatable {
  /// The watermark that the operator was told last.
  var told = EventTime.earliest
  /// The one that it gave last, when it makes watermarks.
  var given = EventTime.earliest
  /// Its input has ended.
  var hasEnded = false

  /// The entry of `StateTable.progress`.
  func entry(of place: StagePlace) -> RecordBatch {
    func column<Value: BitwiseCopyable>(_ type: DataType, _ value: Value) -> Column {
      let builder = FixedBuilder<Value>(type, capacity: 1)
      builder.append(value)
      return builder.finish()
    }
    let ended = BoolBuilder(capacity: 1)
    ended.append(hasEnded)
    return RecordBatch(
      schema: StateTable.progress.entry,
      columns: [
        column(.int32, Int32(place.subtask)), column(.int32, Int32(place.parallelism)),
        column(.int64, told.microseconds), column(.int64, given.microseconds), ended.finish(),
      ], length: 1)
  }

  /// What a subtask goes on with: what it had itself; when the parallelism has changed, the lowest of those that had
  /// not ended. Nil without entries.
  ///
  /// - Parameter entries: of `StateTable.progress`, of all former subtasks, in any order.
  init?(_ entries: [RecordBatch], for place: StagePlace) {
    var all: [OperatorProgress] = []
    for batch in entries {
      let (subtasks, parallelisms) = (batch.columns[0].values(Int32.self), batch.columns[1].values(Int32.self))
      let (told, given) = (batch.columns[2].values(Int64.self), batch.columns[3].values(Int64.self))
      for row in 0..<batch.length {
        let progress = OperatorProgress(
          told: EventTime(microseconds: told[row]), given: EventTime(microseconds: given[row]),
          hasEnded: batch.columns[4].bit(row))
        if Int(parallelisms[row]) == place.parallelism && Int(subtasks[row]) == place.subtask {
          self = progress
          return
        }
        all.append(progress)
      }
    }
    let active = all.contains { !$0.hasEnded } ? all.filter { !$0.hasEnded } : all
    guard let told = active.map(\.told).min(), let given = active.map(\.given).min() else { return nil }
    self.init(told: told, given: given, hasEnded: all.allSatisfy(\.hasEnded))
  }

  init(told: EventTime = .earliest, given: EventTime = .earliest, hasEnded: Bool = false) {
    self.told = told
    self.given = given
    self.hasEnded = hasEnded
  }
}
