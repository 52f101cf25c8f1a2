import Observability
import Testing
import VolleyPlan

@testable import Host

@Suite struct ReportingTests {
  private func stage(
    _ label: String, uid: String?, rowsIn: Int = 0, rowsOut: Int = 0, bytesIn: Int = 0, bytesOut: Int = 0,
    queued: Int = 0
  ) -> StageReport {
    var counts = StageCounts()
    counts.rowsIn = rowsIn
    counts.rowsOut = rowsOut
    counts.bytesIn = bytesIn
    counts.bytesOut = bytesOut
    return StageReport(
      label: label, uid: uid, task: 0, taskName: "t", parallelism: 2, counts: counts, queuedBatches: queued > 0 ? 1 : 0,
      queuedBytes: queued)
  }

  private func snapshot(_ seconds: Int, _ stages: [StageReport]) -> JobSnapshot {
    JobSnapshot(elapsed: .seconds(seconds), stages: stages, sources: ["a", "b"], sinks: ["out"])
  }

  @Test("rows in are those of the sources, rows out those of the sinks")
  func totals() {
    let snapshot = snapshot(
      1,
      [
        stage("source a", uid: "a", rowsOut: 10, bytesOut: 100), stage("source b", uid: "b", rowsOut: 5, bytesOut: 50),
        stage("aggregate c", uid: "c", rowsIn: 15, rowsOut: 3), stage("filter", uid: nil, rowsIn: 15, rowsOut: 15),
        stage("sink out", uid: "out", rowsIn: 3, bytesIn: 30),
      ])
    #expect(snapshot.rowsIn == 15)
    #expect(snapshot.rowsOut == 3)
    #expect(snapshot.bytesIn == 150)
    #expect(snapshot.bytesOut == 30)
  }

  @Test("a message stays on one line and holds nothing that a terminal obeys")
  func oneLineOnly() {
    #expect(oneLine("plain, größer, 日本 \\ 🙂") == "plain, größer, 日本 \\ 🙂")
    #expect(oneLine("a\nb\r\nc\td") == #"a\nb\r\nc\td"#)
    #expect(oneLine("\u{0}\u{1B}[2J\u{7F}\u{85}\u{2028}\u{202E}") == #"\u{0}\u{1B}[2J\u{7F}\u{85}\u{2028}\u{202E}"#)
  }

  @Test("the status line tells rates between two snapshots, and how far each stage is behind")
  func statusLine() {
    let before = snapshot(
      10, [stage("source a", uid: "a", rowsOut: 1000), stage("sink out", uid: "out", rowsIn: 100, bytesIn: 1000)])
    let now = snapshot(
      12,
      [
        stage("source a", uid: "a", rowsOut: 2_001_000),
        stage("sink out", uid: "out", rowsIn: 3100, bytesIn: 21_000, queued: 5000),
      ])
    #expect(
      StatusLine.text(name: "job", before: before, now: now, width: 200)
        == "job 00:12 | in 1.00 M rows/s | out 1.50 k rows/s | lag sink out 500 ms")
    #expect(
      StatusLine.text(name: "job", before: now, now: snapshot(3725, now.stages), width: 200)
        == "job 1:02:05 | in 0 rows/s | out 0 rows/s | lag sink out stalled (4.9 KiB)")
    #expect(StatusLine.text(name: "job", before: before, now: before, width: 200).hasSuffix("| no lag"))
    var late = before
    late.stages[0].counts.lateRowsDropped = 9
    #expect(
      StatusLine.text(name: "job", before: before, now: late, width: 200).hasSuffix("| no lag | 9 late rows dropped"))
  }

  @Test("the status line never fills the terminal's width", arguments: [0, 1, 2, 3, 10, 40, 60, 80])
  func width(columns: Int) {
    let snapshot = snapshot(1, [stage("source a", uid: "a", rowsOut: 1), stage("sink out", uid: "out", queued: 9)])
    let text = StatusLine.text(name: "a pipeline", before: snapshot, now: snapshot, width: columns)
    #expect(text.count < max(columns, 2))
  }

  @Test("the final table is aligned, and ends with counters")
  func table() {
    var report = stage("sink out", uid: "out", rowsIn: 1234, bytesIn: 2048)
    report.counts.busyNanoseconds = 1_500_000
    report.counts.deadLetters = 2
    report.counts.lateRowsDropped = 1500
    report.counts.lateRowsRouted = 3
    report.counts.userCounters = [(name: "retries", value: 7)]
    let final = FinalReport(
      name: "job", snapshot: snapshot(2, [stage("source a", uid: "a", rowsOut: 1_000_000), report]))
    #expect(
      final.text == """
        job: 1,000,000 rows in, 1,234 rows out, 2.0 s, 500 k rows/s
        stage     subtasks  rows in   rows out  bytes in  bytes out  busy  idle  backpressured
        source a         2        0  1,000,000       0 B        0 B  0 µs  0 µs           0 µs
        sink out         2    1,234          0   2.0 KiB        0 B  2 ms  0 µs           0 µs
        sink out: 2 dead letters
        sink out: 1,500 late rows dropped
        sink out: 3 late rows to their own output
        sink out: retries 7
        """)
  }

  @Test("the JSON report is one line with every stage")
  func json() throws {
    var filter = stage("filter", uid: nil)
    filter.counts.lateRowsDropped = 4
    filter.counts.lateRowsRouted = 2
    let final = FinalReport(name: "job", snapshot: snapshot(2, [stage("source a", uid: "a", rowsOut: 7), filter]))
    #expect(!final.json.contains("\n"))
    let value = try JSONValue.parse(final.json)
    #expect(value["event"] == .string("report"))
    #expect(value["rows_in"] == .int(7))
    guard case .array(let stages) = value["stages"] else {
      Issue.record("no stages in \(final.json)")
      return
    }
    #expect(stages.map { $0["stage"] } == [.string("source a"), .string("filter")])
    #expect(stages.map { $0["uid"] } == [.string("a"), .null])
    #expect(stages[0]["rows_out"] == .int(7))
    #expect(value["late_rows_dropped"] == .int(4) && value["late_rows_routed"] == .int(2))
    #expect(stages.map { $0["late_rows_dropped"] } == [.int(0), .int(4)])
    #expect(stages.map { $0["late_rows_routed"] } == [.int(0), .int(2)])
  }

  @Test("channels share a quarter of the memory, within bounds")
  func memoryShares() {
    let one = MemoryShares(limit: 8 << 30, channels: 1, subtasks: 1)
    var larger = MemoryShares(limit: 80 << 30, channels: 1, subtasks: 1)
    #expect(larger.stateBytes == (30 << 30) - (32 << 20))
    larger.stateBytes = one.stateBytes
    #expect(one == larger, "large limits do not make large channels")
    #expect(one.channelBytes == 4 << 20)
    #expect(one.waitingBytes == 256 << 20)
    let many = MemoryShares(limit: 1 << 30, channels: 1024, subtasks: 64)
    #expect(many.channelBytes == 128 << 10)
    #expect(many.waitingBytes == 4 << 20)
    #expect(many.idleBytes == 128 << 20)
    let tight = MemoryShares(limit: 64 << 20, channels: 1 << 20, subtasks: 1 << 20)
    #expect(tight.channelBytes == MemoryShares.smallestChannel)
    #expect(tight.idleBytes == 8 << 20)
    #expect(tight.stateBytes == 8 << 20)
    #expect(tight.waitingBytes == MemoryShares.smallestWaiting)
  }

  @Test("state that databases keep has what channels cannot use, and all shares fit the limit")
  func memorySharesOfState() {
    for (limit, channels) in [(512 << 20, 2), (512 << 20, 8), (512 << 20, 4096), (8 << 30, 4)] {
      let shares = MemoryShares(limit: limit, channels: channels, subtasks: 4, keepsState: true)
      let inChannels = 2 * channels * shares.channelBytes
      let all = inChannels + 4 * shares.waitingBytes + shares.idleBytes + shares.stateBytes + shares.databaseBytes
      #expect(all <= limit || shares.channelBytes == MemoryShares.smallestChannel)
      #expect(shares.databaseBytes >= MemoryShares.smallestDatabases)
    }
  }
}
