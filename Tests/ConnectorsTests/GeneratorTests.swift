import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [
  Field("b", .bool), Field("i", .int32), Field("l", .int64), Field("d", .float64), Field("s", .utf8),
  Field("t", .timestamp),
]

private func options(_ text: String) throws -> [JSONValue.Member] {
  guard case .object(let members) = try JSONValue.parse(Array(text.utf8)) else { return [] }
  return members
}

@Suite("Generator source") struct GeneratorTests {
  @Test("without column options every type has its usual values")
  func defaults() throws {
    let source = try makeSource("generator", try options(#"{"rows":1000}"#), fields).make(alone)
    let found = try rows(of: source, maxRows: 64)
    #expect(found.count == 1000)
    #expect(found.map { $0[1] } == (0..<1000).map { "\($0)" })
    #expect(found.map { $0[2] } == (0..<1000).map { "\($0)" })
    #expect(found[0][5] == "2024-01-01T00:00:00" && found[999][5] == "2024-01-01T00:00:00.999000")
    let trues = found.filter { $0[0] == "true" }.count
    #expect(trues > 400 && trues < 600)
    let doubles = found.compactMap { $0[3].flatMap { Double($0) } }
    #expect(doubles.allSatisfy { $0 >= 0 && $0 < 1 } && Set(doubles).count == 1000)
    #expect(abs(doubles.reduce(0, +) / 1000 - 0.5) < 0.05)
    #expect(found.allSatisfy { $0[4]?.hasPrefix("s-") == true })
  }

  @Test("kinds give the values that their options say")
  func kinds() throws {
    let text = #"""
      {"rows":5000,"seed":7,"columns":{
        "b":{"kind":"choice","values":[true]},
        "i":{"kind":"uniform","min":-3,"max":3},
        "l":{"kind":"sequence","start":10,"step":-2},
        "d":{"kind":"choice","values":[1,2.5]},
        "s":{"kind":"choice","values":["x","","grün"]},
        "t":{"kind":"timestamp","start":"2024-02-29T00:00:00Z","step":1000000}}}
      """#
    let found = try rows(of: try makeSource("generator", try options(text), fields).make(alone))
    #expect(found.allSatisfy { $0[0] == "true" })
    #expect(Set(found.map { $0[1] }) == Set((-3...3).map { "\($0)" }))
    #expect(found.map { $0[2] } == (0..<5000).map { "\(10 - 2 * $0)" })
    #expect(Set(found.map { $0[3] }) == ["1.0", "2.5"])
    #expect(Set(found.map { $0[4] }) == ["x", "", "grün"])
    #expect(found[61][5] == "2024-02-29T00:01:01")
    // Each of three words about as often as the others.
    for word in ["x", "", "grün"] { #expect(abs(found.filter { $0[4] == word }.count - 1667) < 250, "\(word)") }
  }

  @Test("text kinds are the column's name and a number, and limits of the types hold")
  func moreKinds() throws {
    let fields = [Field("s", .utf8), Field("u", .utf8), Field("l", .int64), Field("i", .int32), Field("d", .float64)]
    let text = #"""
      {"rows":300,"columns":{
        "s":{"kind":"sequence","start":5},"u":{"kind":"uniform","min":1,"max":2},
        "l":{"kind":"uniform","min":-9223372036854775808,"max":9223372036854775807},
        "i":{"kind":"uniform","min":-2147483648,"max":2147483647},"d":{"kind":"uniform","min":-1e3,"max":1e3}}}
      """#
    let found = try rows(of: try makeSource("generator", try options(text), fields).make(alone))
    #expect(found.map { $0[0] } == (0..<300).map { "s-\($0 + 5)" })
    #expect(Set(found.map { $0[1] }) == ["u-1", "u-2"])
    #expect(Set(found.map { $0[2] }).count == 300 && found.contains { $0[2]?.hasPrefix("-") == true })
    #expect(found.allSatisfy { abs(Double($0[4] ?? "") ?? .infinity) <= 1000 })
  }

  @Test("the rows are the same whatever the parallelism and the size of batches")
  func parallelism() throws {
    for count in [0, 1, 4095, 4096, 4097, 20_000, 40_961] {
      let text = "{\"rows\":\(count),\"seed\":3,\"columns\":{\"i\":{\"kind\":\"uniform\"}}}"
      let factory = try makeSource("generator", try options(text), fields)
      let whole = try rows(of: try factory.make(alone)).map { $0.map { $0 ?? "null" }.joined(separator: "|") }
      #expect(whole.count == count)
      for parallelism in [2, 3, 7] {
        let parts = try (0..<parallelism).flatMap { index in
          try rows(of: try factory.make(subtask(index, of: parallelism)), maxRows: 1000 + index * 777)
        }.map { $0.map { $0 ?? "null" }.joined(separator: "|") }
        #expect(parts.sorted() == whole.sorted(), "\(count) rows on \(parallelism) subtasks")
      }
    }
  }

  @Test("another seed gives other rows, the same seed the same, and other columns change nothing")
  func seeds() throws {
    func column(_ seed: Int, _ schema: [Field]) throws -> [String?] {
      let source = try makeSource("generator", try options("{\"rows\":100,\"seed\":\(seed)}"), schema).make(alone)
      let index = schema.firstIndex { $0.name == "d" } ?? 0
      return try rows(of: source).map { $0[index] }
    }
    #expect(try column(1, fields) == column(1, fields))
    #expect(try column(1, fields) != column(2, fields))
    #expect(try column(1, fields) == column(1, [Field("d", .float64)]))
    #expect(
      try column(1, [Field("d", .float64), Field("e", .float64)])
        != column(1, [Field("e", .float64), Field("d", .float64)]).reversed())
  }

  @Test("without a rate a generator does not block and ends only when it is stopped")
  func endless() throws {
    let source = try makeSource("generator", [], fields).make(alone)
    #expect(!source.blocks)
    for _ in 0..<20 {
      guard case .batch(let batch) = try source.read(maxRows: 128, timeout: .zero) else {
        Issue.record("an endless generator always has rows")
        return
      }
      #expect(batch.length == 128)
    }
    source.stop()
    guard case .end = try source.read(maxRows: 128, timeout: .zero) else {
      Issue.record("a stopped generator has ended")
      return
    }
  }

  @Test("a pace lets as many rows pass as its rate says, and no flood after a pause")
  func pace() {
    let start = ContinuousClock.now
    var pace = GeneratorPace(rowsPerSecond: 100)
    #expect(pace.take(upTo: 1000, at: start) == 0)
    #expect(pace.take(upTo: 1000, at: start + .milliseconds(5)) == 0)
    #expect(pace.pause(at: start + .milliseconds(5)) == .milliseconds(5))
    #expect(pace.take(upTo: 1000, at: start + .milliseconds(10)) == 1)
    #expect(pace.take(upTo: 1000, at: start + .milliseconds(510)) == 50)
    #expect(pace.take(upTo: 30, at: start + .milliseconds(1010)) == 30)
    #expect(pace.take(upTo: 1000, at: start + .milliseconds(1010)) == 20)
    #expect(pace.take(upTo: 1000, at: start + .seconds(60)) == 100)
    var slow = GeneratorPace(rowsPerSecond: 0.1)
    #expect(slow.take(upTo: 10, at: start) == 0)
    #expect(slow.take(upTo: 10, at: start + .seconds(9)) == 0)
    #expect(slow.take(upTo: 10, at: start + .seconds(11)) == 1)
    var total = 0
    var fast = GeneratorPace(rowsPerSecond: 1_000_000)
    for step in 0...1000 { total += fast.take(upTo: 65_536, at: start + .milliseconds(step)) }
    #expect(total > 999_000 && total <= 1_000_000)
  }

  @Test("with a rate a generator blocks, gives all its rows, and a stop wakes it")
  func rate() throws {
    let source = try makeSource("generator", try options(#"{"rows":20,"rate":2000}"#), fields).make(alone)
    #expect(source.blocks)
    #expect(try rows(of: source).count == 20)
    let slow = try makeSource("generator", try options(#"{"rate":0.0001}"#), fields).make(alone)
    guard case .idle = try slow.read(maxRows: 10, timeout: .zero) else {
      Issue.record("the first row is hours away")
      return
    }
    slow.stop()
    guard case .end = try slow.read(maxRows: 10, timeout: .seconds(600)) else {
      Issue.record("a stopped generator has ended")
      return
    }
  }
}
