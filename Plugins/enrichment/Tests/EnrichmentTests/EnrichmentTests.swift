import Glibc
import Testing
import VolleyTesting

@Suite struct EnrichmentTests {
  struct Order: Codable, Equatable {
    var order: Int
    var country: String
    var net: Double
  }

  struct Receipt: Codable, Equatable {
    var order: Int
    var country: String
    var net: Double
    var rate: Double
    var tax: Double
    var gross: Double
  }

  private let orders = [
    Order(order: 1, country: "DE", net: 100), Order(order: 2, country: "US", net: 45),
    Order(order: 3, country: "PL", net: 0.5),
  ]

  @Test("orders get the tax of their country, and others are set aside")
  func tax() throws {
    let result = try PipelineTest("enrichment").feed("orders", rows: orders).run(collecting: "receipts", "others")
    #expect(
      try result.rows(at: "receipts", as: Receipt.self) == [
        Receipt(order: 1, country: "DE", net: 100, rate: 0.19, tax: 19, gross: 119),
        Receipt(order: 3, country: "PL", net: 0.5, rate: 0.23, tax: 0.12, gross: 0.62),
      ])
    #expect(try result.rows(at: "others", as: Order.self) == [orders[1]])
  }

  @Test("the custom sink writes a line an order")
  func receipts() throws {
    let path = "/tmp/volley-receipts-\(getpid()).txt"
    defer { unlink(path) }
    _ = try PipelineTest("enrichment").feed("orders", rows: orders).set("receipts", path).run(collecting: "others")
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let text = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    #expect(text == "order 1 DE: 100.0 + 19.0 tax = 119.0\norder 3 PL: 0.5 + 0.12 tax = 0.62\n")
    #expect(access(path + ".part", F_OK) != 0)
  }

  @Test("a file that cannot be written stops the job with a sentence")
  func unwritable() throws {
    let failure = #expect(throws: PipelineTestFailure.self) {
      try PipelineTest("enrichment").feed("orders", rows: orders).set("receipts", "/nowhere/receipts.txt")
        .run(collecting: "others")
    }
    #expect(failure?.log.contains("the receipts cannot be opened at /nowhere/receipts.txt") == true)
  }
}
