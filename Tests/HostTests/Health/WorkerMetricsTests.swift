import Base
import Observability
import TestSupport
import Testing

@testable import Host

@Suite struct WorkerMetricsTests {
  private func metrics(_ stages: [StageReport]) -> WorkerMetrics {
    WorkerMetrics(
      job: "job \"1\"", isReady: true, restarts: 2, stages: stages, memoryLimit: 1 << 30,
      now: ProcessingTime(microseconds: 10_000_000))
  }

  private func stage(_ kind: StageKind, _ subtasks: [SubtaskReport], id: String = "s") -> StageReport {
    StageReport(label: "stage \(id)", uid: nil, id: id, kind: kind, task: 0, taskName: "t", subtasks: subtasks)
  }

  /// The values of a family by the labels behind the common ones.
  private func samples(_ family: MetricFamily, in metrics: WorkerMetrics) -> [String: String] {
    let head = "\(family.name){job_name=\"job \\\"1\\\"\",worker_id=\"0\""
    var found: [String: String] = [:]
    for line in metrics.text.split(separator: "\n") where line.hasPrefix(head) {
      guard let end = line.lastIndex(of: "}") else { continue }
      let labels = line[line.index(line.startIndex, offsetBy: head.count)..<end]
      found[String(labels)] = String(line[line.index(end, offsetBy: 2)...])
    }
    return found
  }

  @Test("each subtask of each stage has its own numbers")
  func subtasks() {
    var (first, second) = (StageCounts(), StageCounts())
    first.rowsIn = 3
    second.rowsIn = 4
    second.rowsOut = 5
    second.busyNanoseconds = 1_500_000_000
    first.deadLetters = 7
    let metrics = metrics([stage(.operator, [SubtaskReport(counts: first), SubtaskReport(counts: second)])])
    #expect(
      samples(VolleyMetrics.recordsIn, in: metrics) == [
        ",uid=\"s\",subtask=\"0\"": "3", ",uid=\"s\",subtask=\"1\"": "4",
      ])
    #expect(samples(VolleyMetrics.recordsOut, in: metrics)[",uid=\"s\",subtask=\"1\""] == "5")
    #expect(samples(VolleyMetrics.busy, in: metrics)[",uid=\"s\",subtask=\"1\""] == "1.5")
    #expect(samples(VolleyMetrics.deadLetters, in: metrics)[",uid=\"s\",subtask=\"0\""] == "7")
    #expect(samples(VolleyMetrics.restarts, in: metrics) == ["": "2"])
    #expect(
      samples(VolleyMetrics.stageInfo, in: metrics)
        == [",uid=\"s\",kind=\"operator\",stage=\"stage s\",task=\"t\",parallelism=\"2\"": "1"])
  }

  @Test("a source takes nothing in, and a sink gives nothing out")
  func ends() {
    let part = [SubtaskReport(counts: StageCounts())]
    let metrics = metrics([stage(.source, part, id: "a"), stage(.sink, part, id: "b")])
    #expect(samples(VolleyMetrics.recordsIn, in: metrics).keys.sorted() == [",uid=\"b\",subtask=\"0\""])
    #expect(samples(VolleyMetrics.recordsOut, in: metrics).keys.sorted() == [",uid=\"a\",subtask=\"0\""])
  }

  @Test(
    "the watermark's lag is that behind the machine's clock; without a watermark, and behind its end, there is none")
  func lag() {
    var counts = StageCounts()
    #expect(
      samples(VolleyMetrics.watermarkLag, in: metrics([stage(.operator, [SubtaskReport(counts: counts)])])).isEmpty)
    counts.watermark = EventTime(microseconds: 7_500_000)
    counts.lateRowsDropped = 3
    var metrics = metrics([stage(.operator, [SubtaskReport(counts: counts)])])
    #expect(samples(VolleyMetrics.watermarkLag, in: metrics) == [",uid=\"s\",subtask=\"0\"": "2.5"])
    #expect(samples(VolleyMetrics.watermark, in: metrics) == [",uid=\"s\",subtask=\"0\"": "7.5"])
    #expect(
      samples(VolleyMetrics.lateRecords, in: metrics) == [
        ",uid=\"s\",subtask=\"0\",outcome=\"dropped\"": "3", ",uid=\"s\",subtask=\"0\",outcome=\"routed\"": "0",
      ])
    counts.watermark = .latest
    metrics = self.metrics([stage(.operator, [SubtaskReport(counts: counts)])])
    #expect(samples(VolleyMetrics.watermarkLag, in: metrics).isEmpty)
    #expect(samples(VolleyMetrics.lateRecords, in: metrics).count == 2)
  }

  @Test("channels are told with their bounds, where there are some")
  func channels() {
    let fill = ChannelFill(batches: 1, bytes: 20, batchLimit: 16, byteLimit: 100)
    let parts = [SubtaskReport(counts: StageCounts(), input: fill, runningCall: .milliseconds(1250), pendingRows: 6)]
    let metrics = metrics([stage(.operator, parts), stage(.sink, [SubtaskReport(counts: StageCounts())], id: "b")])
    for (family, value) in [
      (VolleyMetrics.channelBatches, "1"), (VolleyMetrics.channelBytes, "20"), (VolleyMetrics.channelBatchLimit, "16"),
      (VolleyMetrics.channelByteLimit, "100"), (VolleyMetrics.pendingRecords, "6"),
    ] {
      #expect(samples(family, in: metrics) == [",uid=\"s\",subtask=\"0\"": value], "\(family.name)")
    }
    #expect(samples(VolleyMetrics.callSeconds, in: metrics)[",uid=\"s\",subtask=\"0\""] == "1.25")
  }

  @Test("epochs are told with what the newest one holds, and its age, by whoever it was completed")
  func epochs() {
    var counts = EpochCounts()
    counts.newest = EpochCounts.Newest(epoch: Epoch(4), time: ProcessingTime(microseconds: 4_000_000), completed: nil)
    var metrics = metrics([])
    metrics.epochs = (counts, .seconds(10))
    #expect(samples(VolleyMetrics.checkpointAge, in: metrics) == ["": "6"])
    #expect(samples(VolleyMetrics.checkpointEpoch, in: metrics) == ["": "4"])
    #expect(samples(VolleyMetrics.checkpoints, in: metrics) == ["": "0"])
    var newest = EpochCounts.Newest(
      epoch: Epoch(5), time: ProcessingTime(microseconds: 9_000_000), completed: MonotonicTime(nanoseconds: 1))
    newest.newBytes = 300
    newest.stateBytes = ["b": 20, "a": 10]
    counts.abort("no room")
    #expect(counts.lastAbort == "no room")
    counts.complete(microseconds: 30_000, newest)
    #expect(counts.lastAbort == nil)
    counts.complete(microseconds: 2_000_000, newest)
    metrics.epochs = (counts, .seconds(10))
    #expect(samples(VolleyMetrics.checkpointAge, in: metrics) == ["": "1"])
    #expect(samples(VolleyMetrics.checkpoints, in: metrics) == ["": "2"])
    #expect(samples(VolleyMetrics.checkpointFailures, in: metrics) == ["": "1"])
    #expect(samples(VolleyMetrics.checkpointBytes, in: metrics) == ["": "600"])
    #expect(samples(VolleyMetrics.lastCheckpointBytes, in: metrics) == ["": "300"])
    #expect(samples(VolleyMetrics.checkpointInterval, in: metrics) == ["": "10"])
    #expect(samples(VolleyMetrics.stateBytes, in: metrics) == [",uid=\"a\"": "10", ",uid=\"b\"": "20"])
    let buckets = metrics.text.split(separator: "\n").filter { $0.contains("duration_seconds_bucket") }
    #expect(buckets.count == VolleyMetrics.checkpointBounds.count + 1)
    #expect(buckets.filter { $0.contains("le=\"0.025\"") || $0.contains("le=\"0.05\"") }.map { $0.last } == ["0", "1"])
    #expect(buckets.last?.hasSuffix("le=\"+Inf\"} 2") == true)
  }

  @Test("an epoch of a machine whose clock is ahead is not from the future")
  func clockAhead() {
    var counts = EpochCounts()
    counts.newest = EpochCounts.Newest(epoch: Epoch(4), time: ProcessingTime(microseconds: 99_000_000), completed: nil)
    var metrics = metrics([])
    metrics.epochs = (counts, .seconds(10))
    #expect(samples(VolleyMetrics.checkpointAge, in: metrics) == ["": "0"])
  }

  @Test("what there is not is not told")
  func absent() {
    let text = metrics([]).text
    for family in [
      VolleyMetrics.checkpoints, VolleyMetrics.checkpointSeconds, VolleyMetrics.stateMemory, VolleyMetrics.cacheBytes,
      VolleyMetrics.runSeconds, VolleyMetrics.pluginInfo,
    ] { #expect(!text.contains(family.name), "\(family.name)") }
    #expect(text.contains("volley_memory_limit_bytes{job_name=\"job \\\"1\\\"\",worker_id=\"0\"} 1073741824\n"))
  }

  @Test("the README lists every family with its type and what it is, in their order")
  func readme() throws {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
    let text = String(decoding: try #require(TestProcess.contents(of: "\(folder)/README.md")), as: UTF8.self)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `volley_") }.map { row in
      let cells = row.split(separator: "|").map { $0.trimmingBlanks }
      return [cells[0], cells[1], cells[cells.count - 1]]
    }
    #expect(rows == VolleyMetrics.all.map { ["`\($0.name)`", $0.kind.rawValue, $0.help] })
  }

  @Test("every family has a place of its own in the order")
  func families() {
    #expect(Set(VolleyMetrics.all.map(\.name)).count == VolleyMetrics.all.count)
    #expect(
      VolleyMetrics.all.allSatisfy { $0.name.hasPrefix("volley_") && !$0.help.hasSuffix(".") && !$0.help.isEmpty })
  }
}

extension Substring {
  fileprivate var trimmingBlanks: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
