import Arrow
import Base
import Dataflow
import Operators
import PluginLoading
import VolleyPlan

/// The cases that need user code: `Plugins/bench`, built.
extension Bench {
  /// A user function of two arguments, against the same as a built-in expression.
  func userFunction() throws(Failure) -> BenchResult {
    let rows = max(1, (options.rows ?? 600_000_000) / options.threads / BenchData.batchRows) * BenchData.batchRows
    let data = BenchData.twoDoubles(subtasks: options.threads, seed: 3)
    let code = try pluginCode("udf")
    let builtIn = BenchPlans.expression(data.schema.fields, parallelism: options.threads)
    var runs: [JobRun] = []
    var limits: [Double] = []
    for _ in 0..<max(1, options.repeats) {
      let expected = try runJob(builtIn, data, rowsPerSubtask: rows, plugin: nil)
      let run = try runJob(code.pipeline.plan, data, rowsPerSubtask: rows, plugin: code)
      guard run.checksum == expected.checksum else {
        throw Failure(.software, "the user function and the built-in expression gave different values")
      }
      limits.append(expected.seconds)
      runs.append(run)
    }
    return BenchResult(
      name: "udf", threads: options.threads, rows: rows * options.threads, seconds: median(runs.map(\.seconds)),
      cpuSeconds: median(runs.map(\.cpuSeconds)), limitSeconds: median(limits), checksum: runs.last?.checksum)
  }

  /// An empty batch function in a plugin: what the boundary costs a batch of three columns.
  func batchFunction() throws(Failure) -> BenchResult {
    let code = try pluginCode("batch-function")
    let data = BenchData.filterProject(subtasks: 1, seed: 4)
    guard
      let node = code.pipeline.plan.nodes.first(where: { if case .batchFunction = $0.operator { true } else { false } }
      ),
      case .batchFunction(let function) = node.operator
    else { throw Failure(.plugin, "the pipeline 'batch-function' of the benchmark's plugin has no batch function") }
    let place = UserCodePlace(uid: "bench", subtask: SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1))
    let operation = try code.makeBatchFunction(
      function.function, input: data.schema, outputs: function.outputs.map { Schema($0) }, at: place)
    let collector = CountingCollector()
    let calls = options.rows ?? 1_000_000
    let batches = data.batches[0]
    let time = try closing(operation.close) { () throws(Failure) in
      try operation.open()
      return try measure(times: options.repeats) { () throws(Failure) in
        for call in 0..<calls { try operation.process(batches[call % batches.count], input: 0, to: collector) }
      }
    }
    var result = BenchResult(
      name: "batch-function", threads: 1, rows: calls, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
    result.extra.append(("nanoseconds_per_batch", result.seconds / Double(calls) * 1e9))
    return result
  }

  private func pluginCode(_ name: String) throws(Failure) -> PluginSet {
    let plugin = try Plugin.load(path: try pluginPath())
    let values: JSONValue = .object([.init("parallelism", .int(Int64(options.threads)))])
    return try PluginSet(pipeline: plugin.pipeline(named: name).plan(values: values), of: plugin) { _ in }
  }

  /// The plugin that was named, or the one beside this program.
  func pluginPath() throws(Failure) -> String { try BenchPlugin.path(options.plugin, "bench") }
}

/// Takes what a function emits, and drops it.
private final class CountingCollector: Collector {
  var batches = 0
  func emit(_ batch: RecordBatch, output: Int) throws(Failure) { batches += 1 }
}
