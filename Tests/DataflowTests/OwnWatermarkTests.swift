import Arrow
import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

/// An operator with watermarks of its own: what it does with each row's id is a word of a little language.
private final class Maker: Operator {
  enum Word {
    case advance(Int64)
    case idle, emit
  }
  let makesWatermarks = true
  private let words: (Int64) -> [Word]
  private let onFinish: [Word]
  private(set) var told: [Int64] = []

  init(finish: [Word] = [], _ words: @escaping (Int64) -> [Word]) {
    self.words = words
    onFinish = finish
  }

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    for id in Rows.ids(batch) { try say(words(id), id, output) }
  }
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure) { told.append(time.microseconds) }
  func finish(to output: any Collector) throws(Failure) { try say(onFinish, 0, output) }

  private func say(_ words: [Word], _ id: Int64, _ output: any Collector) throws(Failure) {
    for word in words {
      switch word {
      case .advance(let time): output.advance(to: EventTime(microseconds: time))
      case .idle: output.becomeIdle()
      case .emit: try output.emit(Rows.batch([id]), output: 0)
      }
    }
  }
}

/// Writes what comes to it, in order.
private final class Witness: Operator {
  var words: [String] = []
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    words += Rows.ids(batch).map(String.init)
    try output.emit(batch, output: 0)
  }
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure) { words.append("w\(time.microseconds)") }
}

struct OwnWatermarkTests {
  private func rows(_ ids: Int64...) -> StreamElement { .batch(Rows.batch(ids)) }
  private func mark(_ time: Int64) -> StreamElement { .watermark(EventTime(microseconds: time)) }

  @Test("an operator's watermark goes behind the batch in hand and before the next, to what is behind it")
  func order() throws {
    let (before, behind) = (Witness(), Witness())
    let maker = Maker { [.advance($0), .emit] }
    let bench = try ChainBench([before, maker, behind])
    for element in [rows(1), rows(2, 3), .barrier(Epoch(1)), rows(4), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["1", "w1", "2", "3", "w3", "b1", "4", "w4", "end"])
    #expect(behind.words == ["1", "w1", "2", "3", "w3", "4", "w4"])
    #expect(before.words == ["1", "2", "3", "4"])
  }

  @Test("watermarks and idle signals that come in end there, and it is told of the watermarks")
  func incoming() throws {
    let (before, behind) = (Witness(), Witness())
    let maker = Maker { [.emit, .advance($0)] }
    let bench = try ChainBench([before, maker, behind])
    for element in [mark(50), rows(7), .idle, mark(50), mark(60), rows(8)] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["7", "w7", "8", "w8"])
    #expect(maker.told == [50, 60] && before.words == ["w50", "7", "w60", "8"])
    #expect(behind.words == ["7", "w7", "8", "w8"])
  }

  /// Its watermark and idleness are its input's, an hour later.
  private final class Follower: Operator {
    let makesWatermarks = true
    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {}
    func watermark(_ time: EventTime, to output: any Collector) { output.advance(to: time) }
    func inputBecame(idle: Bool, to output: any Collector) { output.follow(idle: idle) }
  }

  @Test("one that follows its input is idle when that is, and active again when it is, though it gives no row")
  func followed() throws {
    let bench = try ChainBench([Follower(), Follower()], inputOf: [0, 0])
    var outputs: [[String]] = []
    func say(_ element: StreamElement, _ channel: Int) {
      bench.put(element, on: channel)
      _ = bench.run()
      outputs.append(bench.output())
    }
    say(mark(5), 0)
    say(.idle, 0)
    say(mark(7), 1)
    say(.idle, 1)
    say(.idle, 1)
    say(mark(7), 1)
    say(rows(1), 1)
    say(mark(9), 1)
    say(.idle, 1)
    say(mark(6), 0)
    #expect(outputs == [[], [], ["w7"], ["idle"], [], ["w7"], [], ["w9"], ["idle"], ["w9"]])
  }

  @Test("one behind an idle operator that gives a row again is active, though it keeps the row")
  func awoken() throws {
    let maker = Maker { $0 == 2 ? [.idle] : $0 == 3 ? [.emit] : [.advance($0), .emit] }
    let bench = try ChainBench([maker, Follower()])
    var outputs: [[String]] = []
    for id in Int64(1)...4 {
      bench.put(rows(id))
      _ = bench.run()
      outputs.append(bench.output())
    }
    #expect(outputs == [["w1"], ["idle"], ["w1"], ["w4"]])
  }

  @Test("of several words in one call the highest watermark counts, and none goes back")
  func several() throws {
    let maker = Maker { $0 == 1 ? [.advance(5), .emit, .advance(9), .advance(7)] : [.advance(8), .emit] }
    let bench = try ChainBench([maker])
    for element in [rows(1), rows(2)] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["1", "w9", "2"])
  }

  @Test("idle is said once, behind a watermark of the same call, and taken back by a batch of the same call")
  func idle() throws {
    let scripts: [Int64: [Maker.Word]] = [
      1: [.advance(5), .emit, .idle], 2: [.idle], 3: [.emit], 4: [.idle, .emit], 5: [.idle], 6: [.advance(5)],
      7: [.idle], 8: [.advance(6), .idle], 9: [.idle, .advance(4), .emit],
    ]
    let bench = try ChainBench([Maker { scripts[$0] ?? [] }])
    var outputs: [[String]] = []
    for id in Int64(1)...9 {
      bench.put(rows(id))
      _ = bench.run()
      outputs.append(bench.output())
    }
    #expect(
      outputs == [
        ["1", "w5", "idle"], [], ["w5", "3"], ["4"], ["idle"], ["w5"], ["idle"], ["w6", "idle"], ["w6", "9"],
      ])
  }

  @Test("in finish it says nothing new, but rows of an idle operator come behind its watermark")
  func finish() throws {
    let bench = try ChainBench([Maker(finish: [.emit, .advance(9)]) { [.advance($0), .emit, .idle] }])
    for element in [rows(5), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["5", "w5", "idle", "w5", "0", "end"])
  }

  @Test("behind two operators with watermarks the last one's count")
  func two() throws {
    let middle = Witness()
    let last = Maker { [.emit, .advance($0 * 10)] }
    let bench = try ChainBench([Maker { [.emit, .advance($0)] }, middle, last])
    for element in [rows(1), rows(2)] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["1", "w10", "2", "w20"])
    #expect(last.told == [1, 2] && middle.words == ["1", "w1", "2", "w2"])
  }

  @Test("a branch beside the operator does not see its watermarks, one that joins both waits for both")
  func branches() throws {
    // Step 0 makes watermarks, step 1 stands beside it, step 2 takes the rows of both.
    let (beside, both) = (Witness(), Witness())
    let bench = try ChainBench(
      [Maker { [.emit, .advance($0)] }, beside, both],
      entry: [.step(index: 0, input: 0), .step(index: 1, input: 0)],
      targets: [
        [[.step(index: 2, input: 0), .output(0)]], [[.step(index: 2, input: 0), .output(1)]], [[.output(2)]],
      ], outputCount: 3)
    for element in [rows(5), mark(3), rows(6), mark(9), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output(0) == ["5", "w5", "6", "w6", "end"])
    #expect(bench.output(1) == ["5", "w3", "6", "w9", "end"])
    #expect(bench.output(2) == ["5", "5", "w3", "6", "6", "w6", "end"])
    #expect(beside.words == ["5", "w3", "6", "w9"] && both.words == ["5", "5", "w3", "6", "6", "w6"])
  }

  @Test("what joins an idle branch and an active one follows the active one, and is idle when both are")
  func idleBranch() throws {
    let bench = try ChainBench(
      [Maker { $0 == 6 ? [.idle] : [.emit, .advance($0)] }, Witness(), Witness()],
      entry: [.step(index: 0, input: 0), .step(index: 1, input: 0)],
      targets: [[[.step(index: 2, input: 0)]], [[.step(index: 2, input: 0)]], [[.output(0)]]])
    for element in [rows(5), mark(3), rows(6), mark(9), .idle, mark(10), rows(7)] { bench.put(element) }
    _ = bench.run()
    // The head is at 10 and the operator active again at 7: nothing goes back.
    #expect(bench.output() == ["5", "5", "w3", "6", "w9", "idle", "w10", "7", "7"])
  }

  @Test("the watermark of an operator waits for room like everything else")
  func full() throws {
    let bench = try ChainBench([Maker { [.emit, .advance($0)] }, Witness()], outputLimit: 1)
    for element in [rows(1), rows(2), .end] { bench.put(element) }
    var words: [String] = []
    for _ in 0..<10 {
      _ = bench.run()
      words += bench.output()
    }
    #expect(words == ["1", "w1", "2", "w2", "end"])
  }

  @Test("random words of three operators on random branches: each output's watermarks are the minimum of its origins'")
  func random() throws {
    var generator = SeededGenerator()
    for _ in 0..<300 {
      // Three operators side by side; output o gets the rows of a random set of them.
      let sets = (0..<3).map { _ in (0..<3).filter { _ in Bool.random(using: &generator) } }
      let scripts = (0..<3).map { _ in
        (0..<30).map { _ in
          (0..<Int.random(in: 0...3, using: &generator)).map { _ -> Maker.Word in
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: .advance(Int64.random(in: 0..<40, using: &generator))
            case 1: .idle
            default: .emit
            }
          }
        }
      }
      let makers = scripts.map { script in Maker { script[Int($0)] } }
      let bench = try ChainBench(
        makers, entry: (0..<3).map { .step(index: $0, input: 0) },
        targets: (0..<3).map { maker in [(0..<3).filter { sets[$0].contains(maker) }.map { .output($0) }] },
        outputCount: 3)
      var model = [(time: Int64, idle: Bool)](repeating: (.min, false), count: 3)
      var reached = [(time: Int64, idle: Bool)](repeating: (.min, false), count: 3)
      for row in Int64(0)..<30 {
        bench.put(rows(row))
        _ = bench.run()
        for maker in 0..<3 {
          for word in scripts[maker][Int(row)] {
            switch word {
            case .advance(let time): model[maker] = (max(model[maker].time, time), false)
            case .idle: model[maker].idle = true
            case .emit: model[maker].idle = false
            }
          }
        }
        for (output, set) in sets.enumerated() where !set.isEmpty {
          for word in bench.output(output) {
            if word == "idle" {
              #expect(!reached[output].idle, "\(generator)")
              reached[output].idle = true
            } else if word.hasPrefix("w") {
              let time = word == "w\(Int64.min)" ? Int64.min : Int64(word.dropFirst()) ?? -1
              #expect(time > reached[output].time || reached[output].idle, "\(generator)")
              #expect(time >= reached[output].time, "\(generator)")
              reached[output] = (time, false)
            }
          }
          let active = set.filter { !model[$0].idle }.map { model[$0].time }
          #expect(reached[output].idle == active.isEmpty, "\(generator)")
          if let lowest = active.min() { #expect(reached[output].time >= lowest, "\(generator)") }
        }
      }
    }
  }

  @Test(
    "in a job the watermarks of parallel sources' chains come to every subtask behind them, and only to what is behind",
    arguments: [false, true])
  func job(blocks: Bool) throws {
    let journal = Journal()
    let sink = { (label: String) in
      TestGraph.sink(label) { (place) throws(Failure) in TestSink(label, blocks: blocks, journal: journal) }
    }
    let maker = TestGraph.step("maker", to: [[.step(index: 1, input: 0), .output(0)]]) { (_) throws(Failure) in
      Maker { [.emit, .advance($0)] }
    }
    let tasks = [
      TestGraph.source(
        parallelism: 2, steps: [maker, sink("behind"), sink("beside")],
        entry: [.step(index: 0, input: 0), .step(index: 2, input: 0)], outputs: 1
      ) { (place) throws(Failure) in
        TestSource("source", blocks: blocks, journal: journal, batches: [[10 + Int64(place.id.index)], [20]])
      },
      TestGraph.task("end", parallelism: 2, steps: [sink("far")]),
    ]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: [TestGraph.edge(0, 1, TestGraph.byModulo)]), log: TestGraph.log
    )
    job.start()
    try job.wait()
    let reached = Dictionary(
      uniqueKeysWithValues: job.report().map { ($0.label, $0.counts.watermark?.microseconds) })
    #expect(reached == ["source": nil, "maker": 20, "behind": 20, "beside": nil, "far": 20])
  }
}
