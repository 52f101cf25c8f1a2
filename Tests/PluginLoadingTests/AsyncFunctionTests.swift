import Base
import Synchronization
import TestSupport
import Testing
import Volley

/// Functions of the author's that answer later, in jobs.
struct AsyncFunctionTests {
  struct Order: Codable, Sendable {
    var id: Int64
    var customer: Int64
    var ts: Timestamp
  }
  struct Found: Codable, Sendable {
    var id: Int64
    var name: String?
    var ts: Timestamp
  }
  struct Sum: Codable, Sendable {
    var windowEnd: Timestamp
    var rows: Int64

    enum CodingKeys: String, CodingKey {
      case windowEnd = "window_end"
      case rows
    }
  }

  private static func orders(_ count: Int64) -> [Order] {
    (0..<count).map { Order(id: $0, customer: $0 * 7 % 50, ts: Timestamp(microseconds: $0 * 10)) }
  }

  /// Answers a lookup when others have been asked for: nobody waits for a time.
  private static func find(_ customer: Int64) async -> String? {
    for _ in 0..<(customer % 7) { await Task.yield() }
    return customer % 3 == 0 ? nil : "customer \(customer)"
  }

  @Test(
    "a lookup finds for each row what a table has, in the rows' order where that is wanted; windows behind it have all rows",
    arguments: [
      (AnswerOrder.ordered, 1, 65_536, 16), (.ordered, 1, 7, 3), (.ordered, 2, 100, 1), (.unordered, 1, 65_536, 16),
      (.unordered, 2, 9, 4),
    ])
  func lookup(order: AnswerOrder, parallelism: Int, batchRows: Int, rowsPerCall: Int) async throws {
    let (taken, sums) = (Taken<Found>(), Taken<String>())
    let underWay = Mutex((now: 0, most: 0))
    let rig = try JobRig { env in
      let found = env.fromSource(.rows { Self.orders(1_000) }, uid: "orders").eventTime("ts", outOfOrderness: .zero)
        .asyncMap("customers", capacity: 20, rowsPerCall: rowsPerCall, timeout: nil, order: order) { (order: Order) in
          underWay.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
          defer { underWay.withLock { $0.now -= 1 } }
          return Found(id: order.id, name: await Self.find(order.customer), ts: order.ts)
        }
      found.toSink(.eachRow { (row: Found) in taken.add(row) }, uid: "out", parallelism: 1)
      found.windowAll(.tumbling(.microseconds(1_000))).aggregate(count().as("rows"), uid: "sums")
        .toSink(
          .eachRow { (row: Sum) in sums.add("\(row.windowEnd.microseconds) \(row.rows)") }, uid: "windows",
          parallelism: 1)
    }
    try await rig.runApart(parallelism: parallelism, batchRows: batchRows)
    let rows = taken.all
    let wanted = Self.orders(1_000).map { order in
      "\(order.id) \(order.customer % 3 == 0 ? "none" : "customer \(order.customer)")"
    }
    let found = rows.map { "\($0.id) \($0.name ?? "none")" }
    if order == .ordered && parallelism == 1 { #expect(found == wanted) }
    #expect(found.sorted() == wanted.sorted())
    #expect(sums.all.sorted() == (1...10).map { "\($0 * 1_000) 100" }.sorted())
    #expect(underWay.withLock { $0.most } <= 20 * parallelism)
  }

  @Test("none or several rows for a row")
  func flatMap() async throws {
    let taken = Taken<Int64>()
    let rig = try JobRig { env in
      env.fromSource(.rows { Self.orders(200) }, uid: "orders")
        .asyncFlatMap("several", timeout: nil) { (order: Order) in
          await Task.yield()
          return (0..<(order.id % 3)).map { Found(id: order.id * 10 + $0, name: nil, ts: order.ts) }
        }.toSink(.eachRow { (row: Found) in taken.add(row.id) }, uid: "out", parallelism: 1)
    }
    try await rig.runApart(batchRows: 13)
    var wanted: [Int64] = []
    for id in 0..<200 as Range<Int64> { for number in 0..<(id % 3) { wanted.append(id * 10 + number) } }
    #expect(taken.all == wanted)
  }

  private struct Gone: Error, CustomStringConvertible { var description: String { "the customer is gone" } }

  @Test("what it throws ends the job with its text, a missing answer with a sentence")
  func failures() async throws {
    let rig = try JobRig { env in
      env.fromSource(.rows { Self.orders(100) }, uid: "orders")
        .asyncMap("customers", timeout: nil) { (order: Order) in
          if order.id == 50 { throw Gone() }
          return order
        }.toSink(.blackhole, uid: "out")
    }
    let failure = await #expect(throws: Failure.self) { try await rig.runApart() }
    #expect(failure?.message.contains("function 'customers:1' failed in 'start': the customer is gone") == true)
    let slow = try JobRig { env in
      env.fromSource(.rows { Self.orders(10) }, uid: "orders")
        .asyncMap("customers", timeout: .milliseconds(20)) { (order: Order) in
          // Until it is cancelled.
          try await Task.sleep(for: .seconds(600))
          return order
        }.toSink(.blackhole, uid: "out")
    }
    let late = await #expect(throws: Failure.self) { try await slow.runApart() }
    #expect(late?.message.contains("10 rows got no answer within 20000 µs") == true)
  }
}
