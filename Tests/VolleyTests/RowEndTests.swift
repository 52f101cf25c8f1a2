import CVolley
import Synchronization
import Testing
import Volley
import VolleyPlan

@Suite("Custom sources and sinks of rows")
struct RowEndTests {
  private typealias Row = BatchFunctionTests.Row
  private let host = MiniHost()

  @Test("a source gives a pipeline's own rows, all of them in its first subtask")
  func source() throws {
    let built = try Built.of {
      $0.fromSource(.rows { (0..<5).map { Row(n: $0, c: nil) } }, uid: "rows").toSink(.blackhole, uid: "out")
    }
    let output = Schema(Row.self).fields
    for subtask: UInt32 in [0, 1] {
      let instance = try built.create(
        host, kind: VOLLEY_KIND_SOURCE, function: "source:0", outputs: [output], subtask: subtask, parallelism: 2)
      try instance.open()
      var batches: [[MiniHost.Cells]] = []
      reading: while true {
        var batch = ArrowArray()
        var outcome: UInt32 = 0
        try MiniHost.check { instance.source.read(instance.pointer, 2, 1000, &batch, &outcome, $0) }
        guard outcome == VOLLEY_READ_BATCH else {
          #expect(outcome == VOLLEY_READ_END)
          break reading
        }
        batches.append(MiniHost.cells(&batch, output))
        batch.release(&batch)
      }
      try instance.close()
      let expected: [[MiniHost.Cells]] =
        subtask == 1
        ? []
        : [
          [.int64([0, 1]), .text([nil, nil])], [.int64([2, 3]), .text([nil, nil])], [.int64([4]), .text([nil])],
        ]
      #expect(batches == expected)
    }
  }

  /// Reads up to `maxRows` rows with no time to wait: the first column, nil at the end.
  private func read(_ source: MiniHost.Instance, _ output: [Field], maxRows: UInt64) throws -> MiniHost.Cells? {
    var batch = ArrowArray()
    var outcome: UInt32 = 0
    try MiniHost.check { source.source.read(source.pointer, maxRows, 0, &batch, &outcome, $0) }
    guard outcome == VOLLEY_READ_BATCH else {
      #expect(outcome == VOLLEY_READ_END)
      return nil
    }
    defer { batch.release(&batch) }
    return MiniHost.cells(&batch, output)[0]
  }

  @Test("a slow source's rows come as they are made, and do not wait for a full batch")
  func slowSource() throws {
    let built = try Built.of {
      $0.fromSource(
        .rows {
          (0..<3).lazy.map { n in
            // Slower than any time that a read is given.
            let due = ContinuousClock.now + .milliseconds(11)
            while ContinuousClock.now < due {}
            return Row(n: n, c: nil)
          }
        }, uid: "rows"
      ).toSink(.blackhole, uid: "out")
    }
    let output = Schema(Row.self).fields
    let source = try built.create(host, kind: VOLLEY_KIND_SOURCE, function: "source:0", outputs: [output])
    try source.open()
    for n: Int64 in 0..<3 { #expect(try read(source, output, maxRows: 1000) == .int64([n])) }
    #expect(try read(source, output, maxRows: 1000) == nil)
    try source.close()
  }

  @Test("an endless source stops at the next row")
  func endlessSource() throws {
    let stop = Mutex<(@Sendable () -> Void)?>(nil)
    let built = try Built.of {
      $0.fromSource(
        .rows {
          (0...).lazy.map { n in
            if n == 2 { stop.withLock { $0 }?() }
            return Row(n: n, c: nil)
          }
        }, uid: "rows"
      ).toSink(.blackhole, uid: "out")
    }
    let output = Schema(Row.self).fields
    let source = try built.create(host, kind: VOLLEY_KIND_SOURCE, function: "source:0", outputs: [output])
    try source.open()
    let address = UInt(bitPattern: source.pointer)
    let slot = source.source.stop
    stop.withLock { $0 = { slot?(UnsafeMutableRawPointer(bitPattern: address)) } }
    // How many batches they come in depends on how fast the machine is.
    var rows: [Int64?] = []
    while case .int64(let more)? = try read(source, output, maxRows: 1000) { rows += more }
    #expect(rows == [0, 1, 2])
    try source.close()
  }

  @Test("a sink takes rows")
  func sink() throws {
    let built = try Built.of {
      $0.example().toSink(.eachRow { (row: Row) in log(.info, "\(row.n) \(row.c ?? "-")") }, uid: "out")
    }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_SINK, function: "sink:1", inputs: [[Field("c", .utf8), Field("n", .int64)]])
    try instance.open()
    var batch = ArrowArray()
    let isAlive = ArrayMemory.make([.text(["x", nil]), .int64([1, 2])], into: &batch)
    try MiniHost.check { instance.sink.write(instance.pointer, &batch, $0) }
    #expect(!isAlive())
    try instance.close()
    #expect(host.state.log == ["1 1 x", "1 2 -"])
  }
}
