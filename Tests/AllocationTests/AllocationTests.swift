import AllocationCounter
import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

@testable import Connectors

/// What a batch costs in calls of `malloc`: the same for 1,000 rows and for 64,000, and few.
///
/// Each case runs often enough before it is counted that the pool has its blocks.
@Suite("Allocations", .serialized) struct AllocationTests {
  /// More than any case needs; a case that needs one for each row is far above.
  private let most = 100

  private func count(_ body: () throws -> Void) rethrows -> Int {
    for _ in 0..<4 { try body() }
    let before = allocation_count()
    try body()
    return Int(allocation_count() - before)
  }

  /// Counts `make`'s closure for both sizes. `unoptimizedPerWord` is what the standard library takes for 64 rows where
  /// nothing is specialised.
  private func compare(
    _ name: String, unoptimizedPerWord: Int = 0, _ make: (Int) throws -> (() throws -> Void)
  ) throws {
    var few = try count(make(1_000))
    var many = try count(make(64_000))
    #if DEBUG
      few -= 1_000 / 64 * unoptimizedPerWord
      many -= 64_000 / 64 * unoptimizedPerWord
    #endif
    print("\(name): \(few) allocations for 1,000 rows, \(many) for 64,000")
    #expect(few == many, "\(name): \(few) allocations for 1,000 rows, \(many) for 64,000")
    #expect(many <= most, "\(name): \(many) allocations for a batch")
  }

  private final class Node {
    var next: Node?
  }

  @Test("every allocation of the thread is counted")
  func counted() {
    var list: Node?
    let made = count {
      list = nil
      for _ in 0..<1_000 {
        let node = Node()
        node.next = list
        list = node
      }
    }
    #expect(made >= 1_000 && made < 1_010)
    while let node = list { list = node.next }
  }

  @Test(
    "an expression's allocations do not depend on the rows",
    arguments: [
      ("add", .call("add", [.column("a"), .column("b")])),
      ("multiply", .call("multiply", [.column("x"), .column("x")])),
      ("compare", .call("less_than", [.column("a"), .column("b")])),
      ("like", .call("like", [.column("path"), .literal(.utf8("%checkout%"))])),
      ("split_part", .call("split_part", [.column("path"), .literal(.utf8("/")), .literal(.int64(3))])),
      ("date_truncate", .call("date_truncate", [.literal(.utf8("hour")), .column("ts")])),
      ("cast", .cast(.column("a"), .float64)),
    ] as [(String, Expression)])
  func expressions(_ name: String, _ expression: Expression) throws {
    try compare(name) { size in
      let batch = rows(size)
      let bound = try BoundExpression(expression, schema: batch.schema, functions: NoScalarFunctions())
      return { () throws in _ = try bound.evaluate(batch) }
    }
  }

  @Test("a filter's allocations do not depend on the rows, and neither do those of taking rows")
  func selections() throws {
    let condition = Expression.call("less_than", [.column("x"), .literal(.float64(0.5))])
    // A selection converts SIMD8 once for 8 rows of each whole word that has a selected one, as all have here.
    try compare("filter", unoptimizedPerWord: 8) { size in
      let batch = rows(size)
      let predicate = try Predicate(condition, schema: batch.schema, functions: NoScalarFunctions())
      return { () throws in _ = try predicate.select(batch) }
    }
    try compare("take") { size in
      let batch = rows(size)
      let selection = Selection((0..<size).filter { $0 % 3 != 1 })
      return { for column in batch.columns { _ = column.gather(selection) } }
    }
  }

  @Test("an aggregate's allocations do not depend on the rows", arguments: ["count", "sum", "min", "max", "avg"])
  func aggregates(_ function: String) throws {
    for column in [0, 2] {
      try compare("\(function) of column \(column)") { size in
        let batch = rows(size)
        let argument = batch.columns[column]
        let accumulator = try AggregateSignature(function, argument: argument.type, by: nil, fraction: nil)
          .makeAccumulator()
        try accumulator.grow(to: 100)
        let slots = (0..<UInt32(size)).map { $0 % 100 }
        let input = AggregateInput(argument: argument, count: size)
        return { () throws in
          try slots.withUnsafeBufferPointer { slots in
            guard let start = slots.baseAddress else { return }
            try accumulator.update(start, count: size, input)
          }
        }
      }
    }
  }

  @Test("a decoder's allocations do not depend on the rows", arguments: ["csv", "jsonlines"])
  func decoders(_ format: String) throws {
    try compare(format) { size in
      let document = text(size, format: format)
      let schema = Schema(textFields)
      var dialect = CSVDialect()
      dialect.hasHeader = false
      let decoder: any RecordDecoder =
        format == "csv"
        ? CSVDecoder(schema: schema, dialect: dialect, journal: SourceJournal(uid: "in", log: nil))
        : JSONLinesDecoder(fields: textFields)
      let table = ColumnTable(schema: schema)
      let window = ByteWindow(capacity: document.count, maxRecordBytes: 1 << 20)
      return { () throws in
        decoder.beginFile("in")
        window.restart(at: 0, splitEnd: .max)
        let room = window.room(document.count)
        room.update(from: document, count: document.count)
        window.append(document.count)
        window.isAtEnd = true
        _ = try decoder.decode(window, into: table, maxRows: size)
        precondition(table.finish().length == size, "every record is a row")
      }
    }
  }
}
