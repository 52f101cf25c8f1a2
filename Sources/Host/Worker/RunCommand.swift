import Arrow
import Base
import Dataflow
import Glibc
import Observability
import Planning

/// `volley-host run`, in the worker: from flags to a finished job.
struct RunCommand {
  private let options: RunOptions
  private let console: Console
  private let stop: StopWatch

  init(_ options: RunOptions, _ stop: StopWatch) {
    self.options = options
    self.stop = stop
    let console = Console(options.logFormat)
    self.console = console
    stop.whileItPrepares {
      console.log.info("worker.stopped", "stopped before the job was made: nothing was read or written")
      StopWatch.leave(0)
    }
  }

  /// Returns when the job has ended well, which a graceful stop is too.
  func run() throws(Failure) {
    let machine = MachineResources()
    let memory = options.memoryLimit.resolved(on: machine)
    let threads = options.threads ?? machine.cores
    tellResources(machine, memory, threads: threads)
    let loaded = try LoadedPipeline(options.pipeline, log: console.log)
    var plan = loaded.plan
    for source in options.testSources { plan = try plan.replacingSource(uid: source.name, withJSONLines: source.value) }
    for sink in options.testSinks { plan = try plan.replacingSink(uid: sink.name, withJSONLines: sink.value) }
    let graph = try ExecutionGraph(
      plan, code: loaded.code, options: ExecutionGraph.Options(parallelism: options.parallelism ?? threads),
      log: console.log)
    try graph.prepareFiles(log: console.log)
    let jobGraph = try graph.jobGraph(code: loaded.code)
    let shares = MemoryShares(limit: memory.bytes, graph: jobGraph)
    BufferPool.limitIdleBytes(to: shares.idleBytes)
    let job = Job(
      graph: jobGraph,
      options: JobOptions(
        threads: threads, batchRows: options.batchRows, batchDelay: options.batchDelay,
        channelBytes: shares.channelBytes, waitingBytes: shares.waitingBytes, stateBytes: shares.stateBytes,
        clock: clock),
      log: console.log, whenFailed: { [stop] in stop.expire() })
    stop.watch(job, timeout: options.stopTimeout, format: options.logFormat)
    let monitor = JobMonitor(job, graph: jobGraph, console: console, drawsStatus: !plan.talksToTerminal)
    let final = try monitor.runToEnd()
    loaded.code.registry.warnOfKeptBatches()
    switch options.report {
    case .text: complain(final.text)
    case .json: complain(final.json)
    case .none: break
    }
  }

  private var clock: ProcessingClock {
    guard let tick = options.testClock else { return .system }
    return .ticks(start: ProcessingTime(microseconds: 0), microseconds: Int64(tick / .microseconds(1)))
  }

  private func tellResources(_ machine: MachineResources, _ memory: (bytes: Int, source: String), threads: Int) {
    let source = options.threads == nil ? machine.coresSource : "--threads"
    console.log.info(
      "worker.resources",
      "\(threads) threads (\(source)) and at most \(byteSizeText(memory.bytes)) of memory (\(memory.source))",
      [
        "threads": .int(threads), "threads_source": .string(source), "cores": .int(machine.cores),
        "cores_source": .string(machine.coresSource), "memory_bytes": .int(memory.bytes),
        "memory_source": .string(memory.source), "pid": .int(Int(getpid())),
      ])
  }
}
