import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Windows of a number of rows")
struct CountWindowTests {
  @Test("tell each so many rows of a key, and what is left at the end")
  func tumbling() throws {
    let run = try WindowRun(.count(.init(size: 3)))
    try run.rows((1, 1, 0), (2, 10, 0), (1, 2, 0), (1, 4, 0), (1, 8, 0), (nil, 100, 0))
    #expect(run.takeRows() == ["1 3 7"])
    try run.rows((2, 20, 0), (2, 40, 0), (1, 16, 0))
    #expect(run.takeRows() == ["2 3 70"])
    try run.finish()
    #expect(run.takeRows().sorted() == ["1 2 24", "null 1 100"])
  }

  @Test("slide over the last rows")
  func sliding() throws {
    let run = try WindowRun(.count(.init(size: 4, slide: 2)))
    try run.rows((1, 1, 0), (1, 2, 0), (1, 4, 0))
    #expect(run.takeRows() == ["1 2 3"])
    try run.rows((1, 8, 0), (1, 16, 0), (1, 32, 0), (1, 64, 0))
    #expect(run.takeRows() == ["1 4 15", "1 4 60"])
    try run.finish()
    #expect(run.takeRows() == ["1 3 112"])
  }

  @Test("tell what is left in an order that is the same in every run")
  func order() throws {
    func left() throws -> [String] {
      let run = try WindowRun(.count(.init(size: 2)))
      let keys = (0..<50).map { (k: Int64($0) as Int64?, v: Int64(1), t: Int64(0)) }
      try run.rows((99, 1, 0))
      for _ in 0..<2 { try run.operation.process(WindowRun.batch(keys), input: 0, to: run) }
      _ = run.takeRows()
      try run.operation.process(WindowRun.batch(keys), input: 0, to: run)
      try run.finish()
      return run.takeRows()
    }
    let rows = try left()
    #expect(rows.count == 51)
    for _ in 0..<5 { #expect(try left() == rows) }
  }

  @Test("of very many rows take memory for the rows that there are", arguments: [100_000, Int(Int32.max)])
  func longWindows(_ size: Int) throws {
    let run = try WindowRun(.count(.init(size: size, slide: 1)), memory: 16 << 20)
    var sums: [Int64: (n: Int, s: Int64)] = [:]
    for batch in 0..<4 {
      let rows = (0..<500).map { (k: Int64($0 % 300) as Int64?, v: Int64(batch * 500 + $0), t: Int64(0)) }
      try run.operation.process(WindowRun.batch(rows), input: 0, to: run)
      let expected = rows.map { row -> String in
        let former = sums[row.k ?? 0] ?? (0, 0)
        sums[row.k ?? 0] = (former.n + 1, former.s + row.v)
        return "\(row.k ?? 0) \(former.n + 1) \(former.s + row.v)"
      }
      #expect(run.takeRows() == expected)
    }
    try run.finish()
    #expect(run.takeRows() == [])
  }

  @Test("are those of a model", arguments: [(1, 1), (5, 5), (5, 1), (6, 4), (64, 8), (10, 3), (7, 7)])
  func model(_ size: Int, _ slide: Int) throws {
    var random = SeededGenerator()
    for keys in [1, 3, 200] {
      let calls =
        WindowRun.calls + [Plan.AggregateCall(function: "max", argument: .column("v"), name: "m")]
      let run = try WindowRun(.count(.init(size: size, slide: slide)), calls: calls)
      var history: [Int64: [Int64]] = [:]
      var (expected, found): ([String], [String]) = ([], [])
      func tell(_ key: Int64, _ rows: ArraySlice<Int64>) {
        expected.append("\(key) \(rows.count) \(rows.reduce(0, +)) \(rows.max() ?? 0)")
      }
      for _ in 0..<12 {
        let rows = (0..<Int.random(in: 1...150, using: &random)).map { _ in
          (
            k: Int64.random(in: 0..<Int64(keys), using: &random) as Int64?,
            v: Int64.random(in: 0..<1_000, using: &random),
            t: Int64(0)
          )
        }
        try run.operation.process(WindowRun.batch(rows), input: 0, to: run)
        for row in rows {
          let key = row.k ?? 0
          history[key, default: []].append(row.v)
          let own = history[key] ?? []
          if own.count % slide == 0 { tell(key, own.suffix(size)) }
        }
        found += run.takeRows()
        #expect(found == expected, "\(size) by \(slide), \(keys) keys, \(random)")
      }
      try run.finish()
      for (key, own) in history where own.count % slide != 0 {
        let past = own.count - own.count % slide
        tell(key, own[max(0, past - (size - slide))...])
      }
      found += run.takeRows()
      #expect(found.sorted() == expected.sorted(), "\(size) by \(slide), \(keys) keys, \(random)")
    }
  }
}
