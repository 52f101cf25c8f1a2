import Arrow
import Base
import CVolley
import Dataflow
import Glibc
import Observability
import Planning
import Synchronization
import VolleyPlan

@testable import PluginLoading
@testable import Volley

/// A pipeline of the SDK's in this process that runs as a job: the SDK's C tables, the host's adapters, planning and threads, without
/// a file of either.
struct JobRig {
  let built: BuiltPipeline
  let set: PluginSet
  let events = Events()

  /// A table lives as long as the process.
  nonisolated(unsafe) private static let table = PipelineExport(ProcessPipeline.self, plugin: "sdk", version: "1.0.0")
    .table

  init(_ body: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void) throws {
    let plan = try ProcessPipeline.$body.withValue(body) { try Self.plan() }
    let pipeline = try PluginPipeline(UnsafePointer(Self.table), PluginScope(name: "sdk"))
    built = try BuiltPipeline(plan, pipeline: pipeline, values: [])
    set = PluginSet(pipeline: built, listener: events.listener)
  }

  private static func plan() throws -> UnsafeMutablePointer<volley_plan> {
    let built = try BuiltPlan(ProcessPipeline.self, values: UnsafeRawBufferPointer(start: nil, count: 0))
    let plan = UnsafeMutablePointer<volley_plan>.allocate(capacity: 1)
    plan.initialize(to: volley_plan())
    plan.pointee.header = .of(volley_plan.self)
    built.write(to: plan)
    return plan
  }

  /// The job, not started.
  func job(
    parallelism: Int = 1, batchRows: Int = 65_536, stateBytes: Int = .max, clock: ProcessingClock = .system,
    quarantine: QuarantineOptions? = nil, checkpoints: (any JobCheckpoints)? = nil
  ) throws(Failure) -> Job {
    let graph = try ExecutionGraph(
      built.plan, code: set, options: .init(parallelism: parallelism, quarantine: quarantine))
    try graph.prepareFiles()
    return try Job(
      graph: graph.jobGraph(code: set),
      options: JobOptions(
        threads: 2, batchRows: batchRows, batchDelay: .zero, stateBytes: stateBytes, clock: clock,
        checkpoints: checkpoints),
      log: EventLog(minimum: .error) { _ in })
  }

  /// Runs the job to its end.
  ///
  /// - Returns: what each stage counted.
  @discardableResult
  func run(
    parallelism: Int = 1, batchRows: Int = 65_536, stateBytes: Int = .max, clock: ProcessingClock = .system,
    quarantine: QuarantineOptions? = nil
  ) throws(Failure) -> [StageReport] {
    let job = try self.job(
      parallelism: parallelism, batchRows: batchRows, stateBytes: stateBytes, clock: clock, quarantine: quarantine)
    job.start()
    try job.wait()
    return job.report()
  }

  /// The same from a thread of its own: while a test waits on one of Swift's few threads for tasks, no task of the pipeline may run.
  func runApart(
    parallelism: Int = 1, batchRows: Int = 65_536, clock: ProcessingClock = .system,
    quarantine: QuarantineOptions? = nil
  ) async throws {
    let rig = Apart(rig: self)
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      let work = Unmanaged.passRetained(
        ApartWork {
          done.resume(
            with: Swift.Result {
              _ = try rig.rig.run(
                parallelism: parallelism, batchRows: batchRows, clock: clock, quarantine: quarantine)
            })
        })
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<ApartWork>.fromOpaque(argument).takeRetainedValue().body() }
          return nil
        }, work.toOpaque())
      precondition(status == 0, "a thread can be made")
      pthread_detach(thread)
    }
  }

  private struct Apart: @unchecked Sendable { let rig: JobRig }  // Used by one thread at a time.

  /// The sentence with which a pipeline or its plan is refused; nil when it is not.
  static func refusal(_ body: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void) -> String? {
    do {
      let rig = try JobRig(body)
      _ = try ExecutionGraph(rig.built.plan, code: rig.set, options: .init(parallelism: 1))
      return nil
    } catch {
      return "\(error)"
    }
  }
}

private final class ApartWork: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Takes what the sinks of a pipeline get, from any thread.
final class Taken<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])
  func add(_ element: Element) { list.withLock { $0.append(element) } }
  var all: [Element] { list.withLock { $0 } }
}
