import Testing
import Volley

@Suite("Timestamps as text")
struct TimestampTests {
  @Test(
    "are ISO 8601 in UTC",
    arguments: [
      ("1970-01-01T00:00:00.000000Z", 0), ("1969-12-31T23:59:59.999999Z", -1),
      ("2024-02-29T12:34:56.789012Z", 1_709_210_096_789_012), ("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000),
      ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("2000-03-01T00:00:00.000000Z", 951_868_800_000_000),
    ])
  func text(text: String, microseconds: Int64) {
    #expect(Timestamp(text) == Timestamp(microseconds: microseconds))
    #expect(Timestamp(microseconds: microseconds).description == text)
  }

  @Test(
    "may be shorter",
    arguments: [
      ("2024-02-29", 1_709_164_800_000_000), ("2024-02-29 00:00:01", 1_709_164_801_000_000),
      ("2024-02-29T00:00:00.5Z", 1_709_164_800_500_000), ("2024-02-29T00:00:00.1234567", 1_709_164_800_123_456),
    ])
  func shorter(text: String, microseconds: Int64) {
    #expect(Timestamp(text) == Timestamp(microseconds: microseconds))
  }

  @Test(
    "are nothing else",
    arguments: [
      "", "2024", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-32", "2024-01-01T24:00:00", "2024-01-01T",
      "2024-01-01T00:00:00.", "2024-01-01x", "1900-02-29", "２024-01-01",
    ])
  func nothingElse(text: String) { #expect(Timestamp(text) == nil) }
}
