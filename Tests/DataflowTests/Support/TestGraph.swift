import Arrow
import Base
import Observability

@testable import Dataflow

/// Shorthands for graphs.
enum TestGraph {
  static let log = EventLog(minimum: .error) { _ in }

  static func source(
    _ name: String = "source", parallelism: Int = 1, steps: [JobGraph.Step] = [],
    entry: [JobGraph.Target] = [.output(0)],
    outputs: Int = 1, make: @escaping (SubtaskContext) throws(Failure) -> any Source
  ) -> JobGraph.Task {
    JobGraph.Task(
      name: name, parallelism: parallelism, head: .source(label: name, uid: "\(name)-uid", make: make), steps: steps,
      entry: [entry], outputCount: outputs)
  }

  static func task(
    _ name: String, parallelism: Int = 1, inputs: Int = 1, steps: [JobGraph.Step], entry: [[JobGraph.Target]]? = nil,
    outputs: Int = 0
  ) -> JobGraph.Task {
    let standard = (0..<inputs).map { [JobGraph.Target.step(index: 0, input: $0)] }
    return JobGraph.Task(
      name: name, parallelism: parallelism, head: .inputs(count: inputs), steps: steps, entry: entry ?? standard,
      outputCount: outputs)
  }

  static func step(
    _ label: String, to outputs: [[JobGraph.Target]], make: @escaping (SubtaskContext) throws(Failure) -> any Operator
  ) -> JobGraph.Step {
    JobGraph.Step(label: label, uid: "\(label)-uid", body: .operator(make), outputs: outputs)
  }

  static func sink(
    _ label: String = "sink", make: @escaping (SubtaskContext) throws(Failure) -> any Sink
  ) -> JobGraph.Step {
    JobGraph.Step(label: label, uid: "\(label)-uid", body: .sink(make), outputs: [])
  }

  static func edge(
    _ from: Int, _ to: Int, _ exchange: JobGraph.Exchange = .rebalance, output: Int = 0, input: Int = 0
  ) -> JobGraph.Edge {
    JobGraph.Edge(from: from, output: output, to: to, input: input, exchange: exchange, schema: Rows.schema)
  }

  static var byModulo: JobGraph.Exchange { .partition { ModuloPartitioner() } }

  /// Starts a job, waits for it, and returns what it failed with.
  static func run(
    _ tasks: [JobGraph.Task], _ edges: [JobGraph.Edge] = [], _ options: JobOptions = JobOptions()
  ) -> Failure? {
    let job = Job(graph: JobGraph(name: "test", tasks: tasks, edges: edges), options: options, log: log)
    job.start()
    return failure(of: job)
  }

  static func failure(of job: Job) -> Failure? {
    do throws(Failure) { try job.wait() } catch { return error }
    return nil
  }
}
