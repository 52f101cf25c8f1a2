import Testing
import VolleyTesting

@Suite struct VisitsTests {
  struct Page: Codable, Equatable {
    var page: String
    var day: String
    var hour: String
    var visits: Int
    var users: Int
    var satisfaction: Double?
    var errors: Int
    /// Microseconds.
    var longest: Int
  }

  private func pages(_ rows: [(String, String, String?, Int, Int)]) throws -> [Page] {
    let test = PipelineTest("visits").feed(
      "log",
      rows: rows.map { at, url, user, status, milliseconds in
        [
          "at": .string(at), "url": .string(url), "user": user.map { .string($0) } ?? .null,
          "status": .int(Int64(status)),
          "milliseconds": .int(Int64(milliseconds)),
        ]
      })
    let rows = try test.run(collecting: "out").rows(at: "out", as: Page.self)
    // Each row of a page replaces the one before it.
    return Dictionary(rows.map { ("\($0.page) \($0.hour)", $0) }) { $1 }.sorted { $0.key < $1.key }.map(\.value)
  }

  @Test("pages are told apart by path and hour, and errors are no answers")
  func answers() throws {
    let pages = try pages([
      ("2024-05-01T10:00:00Z", "https://example.org/Shop?item=1", "ann", 200, 120),
      ("2024-05-01T10:20:00Z", "https://example.org/shop", "ann", 404, 900),
      ("2024-05-01T10:59:59.999999Z", "http://example.org/shop#top", "bob", 503, 40),
      ("2024-05-01T11:00:00Z", "https://example.org/shop", nil, 200, 299),
      ("2024-05-01T11:00:01Z", "https://example.org/internal/health", nil, 200, 1),
    ])
    #expect(
      pages == [
        Page(
          page: "/shop", day: "2024-05-01", hour: "2024-05-01T10:00:00.000000", visits: 3, users: 2,
          satisfaction: 0.75,
          errors: 1, longest: 900_000),
        Page(
          page: "/shop", day: "2024-05-01", hour: "2024-05-01T11:00:00.000000", visits: 1, users: 0, satisfaction: 1,
          errors: 0, longest: 299_000),
      ])
  }
}
