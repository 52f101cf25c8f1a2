import Arrow
import Base
import Dataflow
import Observability
import TestSupport
import VolleyPlan

@testable import Operators

/// The rows of each key, sorted anew each time that somebody asks.
struct RankingModel {
  struct Row {
    var values: [Value]
    var arrival: Int
  }

  let orderings: [(column: Int, ordering: Plan.Ordering)]
  let takesLast: Bool
  let limit: Int
  private(set) var rows: [[Value]: [Row]] = [:]
  private var arrivals = 0

  init(_ orderings: [Plan.Ordering], takesLast: Bool = false, limit: Int, schema: Schema) {
    self.orderings = orderings.map { (schema.index(of: $0.column)!, $0) }
    self.takesLast = takesLast
    self.limit = limit
  }

  mutating func add(_ values: [Value], key: [Value]) {
    rows[key.map(\.asKey), default: []].append(Row(values: values, arrival: arrivals))
    arrivals += 1
  }

  /// The first rows of each key, with their places.
  var top: [[Value]] {
    rows.values.flatMap { rows in
      rows.sorted(by: comesBefore).prefix(limit).enumerated().map { $1.values + [.int(Int64($0 + 1))] }
    }
  }

  private func comesBefore(_ left: Row, _ right: Row) -> Bool {
    for (column, ordering) in orderings {
      let order = Self.order(left.values[column].asKey, right.values[column].asKey, ordering)
      if order != 0 { return order < 0 }
    }
    return takesLast ? left.arrival > right.arrival : left.arrival < right.arrival
  }

  private static func order(_ left: Value, _ right: Value, _ ordering: Plan.Ordering) -> Int {
    if left == right { return 0 }
    if left == .null { return ordering.nullsFirst ? -1 : 1 }
    if right == .null { return ordering.nullsFirst ? 1 : -1 }
    let isLess: Bool
    switch (left, right) {
    case (.bool(let left), .bool(let right)): isLess = !left && right
    case (.int(let left), .int(let right)): isLess = left < right
    case (.double(let left), .double(let right)): isLess = left < right
    // A NaN, as a key is one.
    case (.text, .double): isLess = false
    case (.double, .text): isLess = true
    case (.text(let left), .text(let right)): isLess = left.utf8.lexicographicallyPrecedes(right.utf8)
    default: preconditionFailure("values of one type are compared")
    }
    return isLess != ordering.descending ? -1 : 1
  }
}

/// What a changelog amounts to.
struct Materialised {
  private(set) var counts: [[Value]: Int] = [:]
  /// What was wrong with the rows.
  private(set) var problems: [String] = []

  /// Takes in the rows of a batch, which begin with their kinds.
  mutating func apply(_ rows: [[Value]]) {
    var taken: Set<[Value]> = []
    for row in rows {
      guard case .text(let kind) = row[0] else {
        problems.append("\(row) has no kind")
        continue
      }
      let content = row.dropFirst().map(\.asKey)
      counts[content, default: 0] += kind.hasPrefix("+") ? 1 : -1
      if counts[content] ?? 0 < 0 { problems.append("\(row) takes back what is not there") }
      if kind.hasPrefix("-") {
        taken.insert(content)
      } else if taken.contains(content) {
        problems.append("\(row) was taken back in the same batch")
      }
      if counts[content] == 0 { counts[content] = nil }
    }
  }

  mutating func insert(_ rows: [[Value]]) { for row in rows { counts[row.map(\.asKey), default: 0] += 1 } }
}

/// A context whose clock a test moves.
func testContext(_ clock: ManualClock = ManualClock(), memory: StateMemory = StateMemory(limit: .max)) -> SubtaskContext
{
  SubtaskContext(
    id: SubtaskID(task: 0, index: 0), parallelism: 1, metrics: StageMetrics(), stateMemory: memory,
    clock: SubtaskClock(.manual(clock)))
}

/// The rows that count of a batch.
func rowValues(_ batch: RecordBatch) -> [[Value]] {
  let columns = batch.compacted().columns.map { values($0) }
  return (0..<batch.rowCount).map { row in columns.map { $0[row] } }
}

/// With a selection of half of its rows, as behind a filter, now and then.
func selectedAtRandom(_ batch: RecordBatch, _ random: inout SeededGenerator) -> RecordBatch {
  guard Bool.random(using: &random) else { return batch }
  return batch.selecting(Selection((0..<batch.length).filter { _ in Bool.random(using: &random) }))
}
