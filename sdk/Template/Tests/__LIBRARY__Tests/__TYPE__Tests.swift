import Testing
import VolleyTesting

@Suite struct __TYPE__Tests {
  struct Order: Codable {
    var user: String
    var amount: Double
  }

  struct Revenue: Codable, Equatable {
    var user: String
    var revenue: Double
    var orders: Int
  }

  @Test("the last row of each user has all of the user's orders")
  func revenue() throws {
    let result = try PipelineTest("__NAME__")
      .feed(
        "orders",
        rows: [Order(user: "ada", amount: 2.5), Order(user: "bob", amount: 4), Order(user: "ada", amount: 1.5)]
      )
      .run(collecting: "out")
    let last = Dictionary(try result.rows(at: "out", as: Revenue.self).map { ($0.user, $0) }) { $1 }
    #expect(last["ada"] == Revenue(user: "ada", revenue: 4, orders: 2))
    #expect(last["bob"] == Revenue(user: "bob", revenue: 4, orders: 1))
    #expect(last.count == 2)
  }

  @Test("orders up to the minimum do not count")
  func minimum() throws {
    let result = try PipelineTest("__NAME__")
      .feed("orders", rows: [Order(user: "ada", amount: 2), Order(user: "ada", amount: 3)])
      .set("minimum", 2.0)
      .run(collecting: "out")
    let last = try result.rows(at: "out", as: Revenue.self).last
    #expect(last == Revenue(user: "ada", revenue: 3, orders: 1))
  }
}
