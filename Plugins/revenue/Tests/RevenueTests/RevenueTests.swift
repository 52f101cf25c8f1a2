import Testing
import VolleyTesting

@Suite struct RevenueTests {
  struct Order: Codable {
    var orderID: Int
    var user: String
    var item: String
    var amount: Double?
    var orderedAt: Timestamp

    enum CodingKeys: String, CodingKey {
      case orderID = "order_id"
      case user, item, amount
      case orderedAt = "ordered_at"
    }
  }

  struct Revenue: Codable, Equatable {
    var user: String
    var revenue: Double
    var orders: Int
    var lastOrder: Timestamp

    enum CodingKeys: String, CodingKey {
      case user, revenue, orders
      case lastOrder = "last_order"
    }
  }

  private func order(_ id: Int, _ user: String, _ amount: Double?) -> Order {
    Order(orderID: id, user: user, item: "pen", amount: amount, orderedAt: Timestamp(microseconds: Int64(id)))
  }

  @Test("orders of both sources count, but for those without an amount above 0")
  func revenue() throws {
    let result = try PipelineTest("revenue")
      .feed("orders-csv", rows: [order(1, "ada", 2.5), order(2, "bob", nil), order(3, "bob", 0)])
      .feed("orders-json", rows: [order(4, "ada", 1), order(5, "cyd", 8)])
      .run(collecting: "out")
    let last = Dictionary(try result.rows(at: "out", as: Revenue.self).map { ($0.user, $0) }) { $1 }
    #expect(last.count == 2)
    #expect(
      last["ada"] == Revenue(user: "ada", revenue: 3.5, orders: 2, lastOrder: Timestamp(microseconds: 4)))
    #expect(last["cyd"] == Revenue(user: "cyd", revenue: 8, orders: 1, lastOrder: Timestamp(microseconds: 5)))
  }
}
