import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

/// Running sums and a count by an Int64 key, as a job has it, and its database.
final class KeyedSums {
  static let batchRows = 65_536
  static let part = StatePart(subtask: 0, parallelism: 1)
  private static let records = Schema([
    Field("key", .int64, nullable: false), Field("value", .int64, nullable: false),
  ])

  let operation: AggregateOperator
  let shares: StateMemoryShares
  private let output = Sink()

  private final class Sink: Collector {
    func emit(_ batch: RecordBatch, output: Int) {}
  }

  /// - Parameter sums: how many there are beside the count, each eight bytes of state a key and more.
  init(_ memory: StateMemory, databaseBytes: Int = 128 << 20, sums: Int = 1) throws(Failure) {
    let names = (0..<sums).map { $0 == 0 ? "sum" : "sum_\($0)" }
    let calls =
      names.map { Plan.AggregateCall(function: "sum", argument: .column("value"), name: $0) }
      + [Plan.AggregateCall(function: "count", argument: nil, name: "count")]
    operation = try AggregateOperator(
      calls, input: .records(keys: [0]), records: Self.records,
      output: Schema([Self.records.fields[0]] + (names + ["count"]).map { Field($0, .int64) }), emission: .perBatch,
      functions: NoScalarFunctions(), memory: memory)
    shares = StateMemoryShares(byteCount: databaseBytes)
    operation.trackChanges()
    try operation.open()
  }

  func database(at folder: String) throws(Failure) -> StateDatabase {
    try StateDatabase.create(at: folder, tables: operation.stateTables, part: Self.part, memory: shares)
  }

  static func key(_ number: Int) -> UInt64 { UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15 }

  /// A batch of rows of these keys.
  static func batch(_ rows: Int, _ number: (Int) -> Int) -> RecordBatch {
    RecordBatch(
      schema: records,
      columns: [
        benchColumn(.int64, rows: rows) { key(number($0)) }, benchColumn(.int64, rows: rows) { UInt64($0) },
      ], length: rows)
  }

  func process(_ batch: RecordBatch) throws(Failure) { try operation.process(batch, input: 0, to: output) }

  /// Rows of one key after the other.
  func process(from first: Int, rows: Int) throws(Failure) { try process(Self.batch(rows) { first + $0 }) }

  /// What an operator tells that has seen a row of each of these keys.
  static func changes(_ rows: Int, _ number: (Int) -> Int) throws(Failure) -> StateChanges {
    let sums = try KeyedSums(StateMemory(limit: .max), databaseBytes: 0)
    for first in stride(from: 0, to: rows, by: batchRows) {
      try sums.process(batch(min(batchRows, rows - first)) { number(first + $0) })
    }
    var changes = StateChanges()
    try sums.operation.takeChanges(into: &changes)
    // An operator tells all of its keys in the place of what was there; these come beside it.
    var beside = StateChanges()
    for case .put(let rows, let table) in changes.parts { beside.put(rows, table: table) }
    return beside
  }

  /// Puts an entry of each key into the database.
  func fill(_ database: StateDatabase, keys: Int) throws(Failure) {
    let step = 1 << 20
    for first in stride(from: 0, to: keys, by: step) {
      try database.apply(try Self.changes(min(step, keys - first)) { first + $0 })
    }
  }
}
