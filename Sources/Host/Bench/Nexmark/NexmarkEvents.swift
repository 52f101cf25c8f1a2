import Arrow
import Base
import Dataflow
import Operators
import PluginLoading
import VolleyPlan

/// The benchmark's events, made by the plugin's source and kept in memory.
enum NexmarkEvents {
  /// The pipeline that has the source alone, and the source's uid in every pipeline.
  static let pipeline = "events"
  static let source = "events"
  /// Rows of a batch, at most.
  static let batchRows = 8192

  /// By subtask: its batches, in the order in which it makes them.
  static func made(_ code: PluginSet, subtasks: Int) throws(Failure) -> [[RecordBatch]] {
    guard let node = code.pipeline.plan.nodes.first(where: { $0.uid == source }),
      case .source(let plan) = node.operator,
      case .function(let function) = plan.implementation
    else {
      throw Failure(.plugin, "the pipeline '\(pipeline)' of the plugin has no source '\(source)' of its own")
    }
    var batches: [[RecordBatch]] = []
    for subtask in 0..<subtasks {
      let place = UserCodePlace(
        uid: source, subtask: SubtaskContext(id: SubtaskID(task: 0, index: subtask), parallelism: subtasks))
      let source = try code.makeSource(function, schema: Schema(plan.schema), at: place)
      try source.open()
      var own: [RecordBatch] = []
      reading: while true {
        switch try source.read(maxRows: batchRows, timeout: .seconds(1)) {
        case .batch(let batch): own.append(batch)
        case .end: break reading
        default: continue
        }
      }
      try source.close()
      batches.append(own)
    }
    return batches
  }
}
