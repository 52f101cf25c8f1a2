import Base
import Observability
import Testing

struct StageMetricsTests {
  @Test("what is counted is what the counts say")
  func counts() {
    let metrics = StageMetrics()
    #expect(metrics.counts.watermark == nil && metrics.counts.rowsIn == 0)
    metrics.received(rows: 3, bytes: 30)
    metrics.received(rows: 4, bytes: 40)
    metrics.emitted(rows: 5, bytes: 50)
    metrics.addBusy(nanoseconds: 1)
    metrics.addIdle(nanoseconds: 2)
    metrics.beginBackpressured(at: MonotonicTime(nanoseconds: 100))
    metrics.endPause(at: MonotonicTime(nanoseconds: 103))
    metrics.addAlignment(nanoseconds: 9)
    metrics.addAlignment(nanoseconds: 4)
    metrics.addDeadLetters(6)
    metrics.addLateDropped(rows: 7)
    metrics.addLateDropped(rows: 1)
    metrics.addLateRouted(rows: 3)
    metrics.reached(EventTime(microseconds: 9))
    let counts = metrics.counts
    #expect((counts.rowsIn, counts.bytesIn, counts.batchesIn) == (7, 70, 2))
    #expect((counts.rowsOut, counts.bytesOut, counts.batchesOut) == (5, 50, 1))
    #expect((counts.busyNanoseconds, counts.idleNanoseconds, counts.backpressuredNanoseconds) == (1, 2, 3))
    #expect((counts.lateRowsDropped, counts.lateRowsRouted) == (8, 3))
    #expect((counts.alignmentNanoseconds, counts.lastAlignmentNanoseconds) == (13, 4))
    #expect(counts.deadLetters == 6 && counts.watermark == EventTime(microseconds: 9))
  }

  @Test("a pause counts while it goes on, and only as what it is")
  func pauses() {
    let metrics = StageMetrics()
    let start = MonotonicTime.now
    metrics.beginIdle(at: start)
    let counts = metrics.counts
    #expect(counts.idleNanoseconds >= 0 && counts.idleNanoseconds <= MonotonicTime.now - start)
    metrics.endPause(at: start + 50)
    #expect(metrics.counts.idleNanoseconds == 50 && metrics.counts.backpressuredNanoseconds == 0)
  }

  @Test("a name has one counter, and a stage has at most 64 of them")
  func userCounters() {
    let metrics = StageMetrics()
    for index in 0..<64 { metrics.counter("c\(index)")?.add(index) }
    #expect(metrics.counter("c64") == nil)
    metrics.counter("c7")?.add(100)
    let counters = metrics.counts.userCounters
    #expect(counters.count == 64 && counters[7] == ("c7", 107) && counters[63] == ("c63", 63))
  }

  @Test("the counts of subtasks add up: counters by name, the watermark to the lowest")
  func sum() {
    let (first, second, third) = (StageMetrics(), StageMetrics(), StageMetrics())
    first.received(rows: 1, bytes: 10)
    second.received(rows: 2, bytes: 20)
    first.counter("a")?.add(1)
    second.counter("b")?.add(2)
    second.counter("a")?.add(3)
    first.addLateDropped(rows: 1)
    third.addLateDropped(rows: 4)
    second.addLateRouted(rows: 2)
    first.reached(EventTime(microseconds: 8))
    second.reached(EventTime(microseconds: 5))
    var sum = StageCounts()
    for metrics in [first, second, third] { sum.add(metrics.counts) }
    #expect((sum.rowsIn, sum.bytesIn, sum.batchesIn) == (3, 30, 2))
    #expect((sum.lateRowsDropped, sum.lateRowsRouted) == (5, 2))
    #expect(sum.watermark == EventTime(microseconds: 5))
    #expect(sum.userCounters.map(\.name) == ["a", "b"] && sum.userCounters.map(\.value) == [4, 2])
  }
}
