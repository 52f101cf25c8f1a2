import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Joins of rows of one key, whose pairs fill several batches.
@Suite("A join that gives many times what it gets")
struct JoinFanOutTests {
  private typealias Row = JoinRun.Row

  private static let left: [Row] = (0..<1_000).map { (1, $0, 10) }
  private static let right: [Row] = (0..<40).map { (1, $0, 11) }

  private static let bounds: [(bounds: Plan.JoinBounds, hasWindows: Bool)] = [
    (.unbounded(.init()), false), (.interval(.init(lower: -5, upper: 5)), false),
    (.side(.init(spread: .key, awaited: false, keep: .all)), false),
    (.window(.init(assigner: .tumbling(.init(size: 100)))), true),
    (.window(.init(assigner: .session(.init(gap: 100)))), true),
  ]

  /// What rows of a stream amount to: those that were taken back are not there.
  private func settled(_ rows: [String], columns: Int) -> [String] {
    var counts: [String: Int] = [:]
    for row in rows {
      let isBack = row.hasPrefix("-D ") || row.hasPrefix("-U ")
      let words = row.split(separator: " ").filter { !$0.hasPrefix("+") && $0 != "-D" && $0 != "-U" }
      counts[words.prefix(columns).joined(separator: " "), default: 0] += isBack ? -1 : 1
    }
    return counts.flatMap { [String](repeating: $0.key, count: max(0, $0.value)) }.sorted()
  }

  @Test("gives at most a batch a call, and every pair", arguments: bounds.indices, [Plan.JoinKind.inner, .left])
  func pairs(index: Int, kind: Plan.JoinKind) throws {
    let (bounds, hasWindows) = Self.bounds[index]
    let run = try JoinRun(Plan.Join(kind: kind, bounds: bounds), hasTimes: true, hasWindows: hasWindows)
    let alone: Row = (2, 7, 10)
    try run.process(Self.right, 1)
    try run.process(Self.left + [alone, (nil, 8, 10)], 0)
    try run.finish()
    let expected = TimedJoinOperatorTests.joined(
      kind, [Self.left + [alone, (nil, 8, 10)], Self.right], hasCondition: false
    ) { _, _ in true }
    #expect(settled(run.takeRows(), columns: 5) == expected)
    #expect(run.mostBatches == 1)
  }

  @Test("of three streams gives at most a batch a call, and every combination")
  func three() throws {
    let run = try JoinRun(
      Plan.Join(kind: .inner, bounds: .window(.init(assigner: .tumbling(.init(size: 100))))), inputs: 3,
      hasTimes: true, hasWindows: true)
    for input in 0..<3 { try run.process(Array(Self.right.prefix(30)), input) }
    try run.finish()
    let numbers: [Int] = Array(0..<30)
    let expected = numbers.flatMap { first in
      numbers.flatMap { second in numbers.map { "1 \(first) 11 \(second) 11 \($0) 11 0 100" } }
    }
    #expect(run.takeRows().sorted() == expected.sorted())
    #expect(run.mostBatches == 1)
  }

  @Test("by existence gives at most a batch a call when one row is what many have waited for")
  func existence() throws {
    let waiting: [Row] = (0..<20_000).map { (1, $0, 10) }
    for bounds in [Plan.JoinBounds.unbounded(.init()), .interval(.init(lower: -5, upper: 5))] {
      let run = try JoinRun(Plan.Join(kind: .semi, bounds: bounds), hasTimes: true)
      try run.process(waiting, 0)
      try run.rows(1, (1, 0, 11))
      #expect(run.takeRows() == waiting.map { "1 \($0.v ?? -1) 10" })
      #expect(run.mostBatches == 1)
    }
  }

  @Test("at one watermark gives at most a batch a call of the rows that had no partner")
  func alone() throws {
    let run = try JoinRun(
      Plan.Join(kind: .left, bounds: .interval(.init(lower: -5, upper: 5))), hasTimes: true)
    let rows: [Row] = (0..<20_000).map { ($0 % 7, $0, 10) }
    try run.process(rows, 0)
    try run.watermark(1_000)
    #expect(run.takeRows().sorted() == rows.map { "\($0.k ?? -1) \($0.v ?? -1) 10 null null" }.sorted())
    #expect(run.mostBatches == 1)
    // The watermark follows what it was due to.
    #expect(run.watermarks == [995])
  }

  @Test("of rows that are taken back gives at most a batch a call, and leaves what holds")
  func changes() throws {
    let run = try JoinRun(Plan.Join(kind: .left, bounds: .unbounded(.init())), changelogs: [1])
    let left: [Row] = (0..<9_000).map { (1, $0, 10) }
    try run.process(left, 0)
    try run.process(Self.right.prefix(3).map { ("+I", $0) })
    var told = run.takeRows()
    #expect(
      settled(told, columns: 5)
        == TimedJoinOperatorTests.joined(.left, [left, Array(Self.right.prefix(3))], hasCondition: false) { _, _ in true
        }
    )
    try run.process(Self.right.prefix(3).map { ("-D", $0) })
    told += run.takeRows()
    #expect(settled(told, columns: 5) == left.map { "1 \($0.v ?? -1) 10 null null" }.sorted())
    #expect(run.mostBatches == 1)
  }

  @Test("holds nothing that keeps it alive when it is closed before it has given all")
  func closed() throws {
    weak var former: (any Operator)?
    do {
      let run = try JoinRun(Plan.Join(kind: .inner, bounds: .unbounded(.init())))
      try run.process(Self.right, 1)
      try run.operation.process(JoinRun.batch(Self.left), input: 0, to: run)
      #expect(run.operation.hasMore)
      former = run.operation
      try run.operation.close()
    }
    #expect(former == nil)
  }
}
