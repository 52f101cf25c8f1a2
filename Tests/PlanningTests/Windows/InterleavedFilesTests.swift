import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("Event time of several files")
struct InterleavedFilesTests {
  private static let fields = [Field("k", .int64), Field("ts", .timestamp(.microsecond, timezone: nil))]

  /// Windows of a second over files of one row a second, `seconds` of them, and the late rows.
  private func run(
    _ folder: TemporaryFolder, _ files: [(name: String, seconds: Range<Int>)], interleave: Int, parallelism: Int = 1
  ) throws -> (windows: [String], late: [String]) {
    for file in files {
      let rows = file.seconds.map { second in
        "\(second),1970-01-01 \([second / 3600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":"))"
      }
      _ = folder.write(file.name, "k,ts\n" + rows.joined(separator: "\n") + "\n")
    }
    let options: [JSONValue.Member] = [
      .init("path", .string(folder.file("*.csv"))), .init("interleave", .int(Int64(interleave))),
    ]
    let window = Plan.Window(
      assigner: .tumbling(.init(size: 1_000_000)), scope: .key, late: .route,
      aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "n")])
    let code = MemoryCode([])
    _ = try code.run(
      [
        Plan.Node(
          id: 1, uid: "files", parallelism: 1, inputs: [],
          operator: .source(
            Plan.Source(
              implementation: .connector(Plan.Connector(name: "csv", options: .object(options))), schema: Self.fields))),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, .keyBy(Plan.KeyBy(keys: [NamedExpression("k", .column("k"))])), from: 2),
        node(4, .window(window), from: 3, uid: "w"), memorySink(5, from: 4),
        memorySink(6, from: 4, output: 1, uid: "late"),
      ], parallelism: parallelism, batchRows: 100)
    return (code.rows("out"), code.rows("late"))
  }

  private func windows(_ seconds: Range<Int>) -> [String] {
    seconds.map { "\($0),\($0 * 1_000_000),\(($0 + 1) * 1_000_000),1" }.sorted()
  }

  @Test("a file whose rows are far behind those of another gives no late rows when both are read at once")
  func farApart() throws {
    let folder = TemporaryFolder()
    let files = [(name: "a.csv", seconds: 40_000..<40_500), (name: "b.csv", seconds: 0..<500)]
    let inTurn = try run(folder, files, interleave: 1)
    #expect(inTurn.late.count == 500 && inTurn.windows == windows(40_000..<40_500))
    for parallelism in [1, 2] {
      let atOnce = try run(folder, files, interleave: 2, parallelism: parallelism)
      #expect(atOnce.late == [])
      #expect(atOnce.windows == (windows(40_000..<40_500) + windows(0..<500)).sorted())
    }
  }

  @Test("a file begins before the one whose place it takes ends, so that time does not pass it in between")
  func places() throws {
    let folder = TemporaryFolder()
    // The second file is over at once; the third one goes on where it was.
    let files = [
      (name: "a.csv", seconds: 1000..<1900), (name: "b.csv", seconds: 0..<10), (name: "c.csv", seconds: 10..<1000),
      (name: "d.csv", seconds: 0..<0),
    ]
    let found = try run(folder, files, interleave: 2)
    #expect(found.late == [])
    #expect(found.windows == windows(0..<1900))
  }
}
