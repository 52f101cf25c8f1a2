import Arrow
import Base
import Glibc
import TestSupport
import Testing

@testable import Dataflow

struct JobLeakTests {
  /// Threads of this process.
  static func threadCount() -> Int {
    guard let folder = opendir("/proc/self/task") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
      let isNumber = withUnsafeBytes(of: entry.pointee.d_name) { $0[0] != UInt8(ascii: ".") }
      if isNumber { count += 1 }
    }
    return count
  }

  /// Jobs that end, that fail in every call, and that are stopped.
  static func runJobs() {
    for blocking in JobTests.blocking {
      for tasks in [1, 3] {
        let journal = Journal()
        let (tasks, edges) = JobTests.line(journal, batches: [[1], [2]], blocking: blocking, tasks: tasks)
        precondition(TestGraph.run(tasks, edges, JobOptions(threads: 2)) == nil)
      }
      for (part, call) in JobFailureTests.calls {
        let journal = Journal()
        journal.plan(Failure(.io, "no"), in: part, call)
        let (tasks, edges) = JobTests.line(journal, batches: [[1], [2]], blocking: blocking, tasks: 3)
        precondition(TestGraph.run(tasks, edges, JobOptions(threads: 2)) != nil)
      }
      let journal = Journal()
      let job = JobStopTests.job(journal, blocking: blocking, options: JobOptions(threads: 2)) { batch in
        if Rows.ids(batch).contains(1000) { journal.plan(Failure(.data, "no"), in: "op", "process") }
      }
      job.start()
      precondition(TestGraph.failure(of: job) != nil)
    }
  }

  @Test("after a job no thread and no buffer is left, whether it ended, failed or was stopped")
  func nothingIsLeft() async {
    // In a process of its own: other tests have threads and buffers too.
    await #expect(processExitsWith: .success) {
      let threads = JobLeakTests.threadCount()
      let bytes = BufferPool.bytesInUse
      JobLeakTests.runJobs()
      precondition(BufferPool.bytesInUse == bytes, "\(BufferPool.bytesInUse - bytes) bytes are left")
      // A thread that has been joined may be in the kernel's list for a moment longer.
      let end = MonotonicTime.now + 5_000_000_000
      while JobLeakTests.threadCount() > threads && MonotonicTime.now < end { sched_yield() }
      precondition(JobLeakTests.threadCount() == threads, "\(JobLeakTests.threadCount()) threads, \(threads) before")
    }
  }
}
