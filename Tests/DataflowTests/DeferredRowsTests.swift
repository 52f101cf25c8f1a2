import Arrow
import Base
import TestSupport
import Testing

@testable import Dataflow

/// Rows that note which columns of how many rows were asked for.
private final class NotedRows: DeferredRows {
  private let batch: RecordBatch
  private(set) var asked: [String] = []

  init(_ batch: RecordBatch) { self.batch = batch }

  var schema: Schema { batch.schema }
  var rowCount: Int { batch.rowCount }
  var gatheredBytes: Int { 100 * asked.count }

  func gathered(_ indices: [Int], of rows: Selection?) throws(Failure) -> [Column] {
    asked.append("\(indices) \(rows?.count ?? rowCount)")
    return try batch.gathered(indices, of: rows)
  }
}

/// Hands on rows that are put together later.
private final class Deferring: Operator {
  private(set) var given: [NotedRows] = []

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    let rows = NotedRows(batch)
    given.append(rows)
    try output.emit(rows, output: 0)
  }
}

/// Leaves odd numbers out before it reads the rows.
private final class Even: DeferringOperator {
  private(set) var plainBatches = 0

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    plainBatches += 1
    try process(batch as any DeferredRows, input: input, to: output)
  }

  func process(_ rows: any DeferredRows, input: Int, to output: any Collector) throws(Failure) {
    let ids = try rows.gathered([0], of: nil)[0]
    let even = Selection((0..<rows.rowCount).filter { ids.values(Int64.self)[$0] % 2 == 0 })
    if even.count > 0 { try output.emit(rows.selecting(even), output: 0) }
  }
}

@Suite("Rows that are put together as they are read")
struct DeferredRowsTests {
  @Test("come as they are to an operator that asks for columns, and whole to all others")
  func chain() throws {
    let first = Deferring()
    let second = Even()
    let bench = try ChainBench([first, second])
    for element in [StreamElement.batch(Rows.batch([1, 2, 3, 4])), .batch(Rows.batch([5])), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["2,4", "end"])
    #expect(second.plainBatches == 0)
    #expect(first.given.map(\.asked) == [["[0] 4", "[0] 2"], ["[0] 1"]])
  }

  @Test("are put together once for several readers, and for the end of a chain")
  func several() throws {
    let first = Deferring()
    let second = Even()
    let bench = try ChainBench(
      [first, second], targets: [[[.step(index: 1, input: 0), .output(0)]], [[.output(1)]]], outputCount: 2)
    for element in [StreamElement.batch(Rows.batch([1, 2, 3, 4])), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output(0) == ["1,2,3,4", "end"])
    #expect(bench.output(1) == ["2,4", "end"])
    #expect(second.plainBatches == 1)
    #expect(first.given.map(\.asked) == [["[0] 4"]])
  }

  @Test("of some of them are those rows, in their order")
  func selecting() throws {
    let noted = NotedRows(Rows.batch([10, 11, 12, 13, 14]))
    let some = noted.selecting(Selection([4, 2, 1]))
    func ids(_ rows: any DeferredRows, of chosen: [Int]? = nil) throws -> [Int64] {
      Rows.ids(try rows.batch(of: chosen.map { Selection($0) }))
    }
    #expect(try ids(some) == [14, 12, 11])
    #expect(try ids(some.selecting(Selection([2, 0]))) == [11, 14])
    #expect(try ids(some, of: [1]) == [12])
    #expect(some.rowCount == 3 && some.gatheredBytes == 300)
    var selected = Rows.batch([10, 11, 12, 13, 14])
    selected.selection = Selection([1, 3, 4])
    #expect(try ids(selected, of: [2, 0]) == [14, 11])
  }
}
