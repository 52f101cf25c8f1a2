import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("The keys of a join")
struct JoinKeyTests {
  private static let type = DataType.dictionary(index: .int32, value: .utf8, ordered: false)

  /// Rows whose keys are of a dictionary in which a null is a value, under an index that is valid.
  private func batch(_ keys: [String?], values: [Int64]) -> RecordBatch {
    let names = ColumnBuilder(.utf8)
    for name in ["a", nil, "b"] { names.append(name.map { .utf8($0) } ?? .null(.utf8)) }
    let indices = Buffer(byteCount: keys.count * 4)
    for (row, key) in keys.enumerated() {
      indices.unsafeMutableValues(Int32.self)[row] = key.map { $0 == "a" ? 0 : 2 } ?? 1
    }
    let column = Column(
      type: Self.type, length: keys.count, validity: nil, buffers: [indices], children: [names.finish()])
    let rows = JoinRun.batch(values.map { (1, $0, 10) })
    return RecordBatch(
      schema: Schema([Field("k", Self.type)] + JoinRun.fields.dropFirst()),
      columns: [column] + rows.columns.dropFirst(),
      length: keys.count)
  }

  private static let bounds: [(bounds: Plan.JoinBounds, hasWindows: Bool)] = [
    (.unbounded(.init()), false), (.interval(.init(lower: -5, upper: 5)), false),
    (.side(.init(spread: .key, awaited: false, keep: .all)), false), (.version, false),
    (.window(.init(assigner: .tumbling(.init(size: 100)))), true),
  ]

  @Test("that are null inside a dictionary equal none", arguments: bounds.indices)
  func nullInDictionary(index: Int) throws {
    let (bounds, hasWindows) = Self.bounds[index]
    let run = try JoinRun(
      Plan.Join(kind: .left, bounds: bounds), hasTimes: true, hasWindows: hasWindows, keyType: Self.type)
    try run.process(batch(["a", nil, "b"], values: [1, 2, 3]), 1)
    try run.process(batch([nil, "a", nil], values: [4, 5, 6]), 0)
    try run.finish()
    let rows = run.takeRows().map { row in
      row.split(separator: " ").filter { $0 != "+I" }.prefix(5).joined(separator: " ")
    }
    #expect(rows.sorted() == ["a 5 10 1 10", "null 4 10 null null", "null 6 10 null null"])
  }

  @Test("of a semi or anti join meet those that wait for them once, however many rows have them")
  func hotKey() throws {
    for kind in [Plan.JoinKind.semi, .anti] {
      let run = try JoinRun(Plan.Join(kind: kind, bounds: .unbounded(.init())))
      let waiting: [JoinRun.Row] = (0..<20_000).map { (1, $0, 10) }
      try run.process(waiting, 0)
      _ = run.takeRows()
      // A search for each of these rows would look at 160,000,000 pairs.
      try run.process((0..<8_000).map { (1, $0, 11) }, 1)
      #expect(run.takeRows() == waiting.map { (kind == .anti ? "-D " : "") + "1 \($0.v ?? -1) 10" })
      // A call ends after some blocks of pairs: a search for each row takes hundreds of calls.
      #expect(run.callCount < 20)
      try run.rows(0, (1, 5, 12))
      #expect(run.takeRows() == (kind == .semi ? ["1 5 12"] : []))
    }
  }

  @Test("of a semi join are all that is kept of the second input's rows")
  func keysOnly() throws {
    func bytes(_ kind: Plan.JoinKind) throws -> Int {
      let run = try JoinRun(Plan.Join(kind: kind, bounds: .unbounded(.init())), keyType: .utf8)
      for first in stride(from: 0, to: 10_000, by: 1_000) { try run.process(Self.longKeys(first..<(first + 1_000)), 1) }
      // What the next batch may add is no part of it.
      try run.process(Self.longKeys(0..<1), 1)
      return run.memory.usedBytes
    }
    #expect(try bytes(.semi) + 9_000_000 < bytes(.inner))
  }

  private static func longKeys(_ numbers: Range<Int>) -> RecordBatch {
    let keys = ColumnBuilder(.utf8)
    for number in numbers { keys.append(.utf8("\(number)" + String(repeating: "k", count: 1_000))) }
    let rows = JoinRun.batch(numbers.map { (1, Int64($0), 10) })
    return RecordBatch(
      schema: Schema([Field("k", .utf8)] + JoinRun.fields.dropFirst()),
      columns: [keys.finish()] + rows.columns.dropFirst(), length: numbers.count)
  }
}
