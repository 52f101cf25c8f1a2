import Arrow
import Base
import Dataflow

extension Bench {
  /// Keyed sums at full speed for minutes: resident memory must stay where it is after the first minute.
  func soak() throws(Failure) -> BenchResult {
    let data = BenchData.keyed(keyCount: 1_000_000, subtasks: options.threads, seed: 5)
    let code = BenchCode(data: data.batches, rowsPerSubtask: .max)
    let plan = BenchPlans.keyedSum("soak", data.schema.fields, parallelism: options.threads)
    let job = try makeJob(plan, code)
    let seconds = max(1, Int(options.minutes * 60))
    var samples: [Int] = []
    let time = try measure { () throws(Failure) in
      job.start()
      for second in 0..<seconds {
        // The interval of the samples; a job that fails is told at once.
        guard !(try job.wait(atMost: .seconds(1))) else {
          throw Failure(.software, "the soak's job ended by itself after \(second) s; its source has no end")
        }
        samples.append(ProcessUsage.residentBytes)
      }
      job.stop()
      try job.wait()
    }
    let settled = samples.dropFirst(min(samples.count / 4, 60))
    let early = median(settled.prefix(max(1, settled.count / 4)).map(Double.init))
    let late = median(settled.suffix(max(1, settled.count / 4)).map(Double.init))
    guard late <= early * 1.05 + Double(16 << 20) else {
      throw Failure(
        .software,
        "resident memory grew from \(Int(early) >> 20) MiB to \(Int(late) >> 20) MiB during the soak; it must stay flat"
      )
    }
    let rows = job.report().filter { $0.label.hasPrefix("source") }.reduce(0) { $0 + $1.counts.rowsOut }
    var result = BenchResult(
      name: "soak", threads: options.threads, rows: rows, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
    result.extra = [("resident_bytes_early", early), ("resident_bytes_late", late)]
    return result
  }
}
