import Base
import TestSupport
import Testing

@testable import Flight

@Suite("Status of gRPC")
struct GRPCStatusTests {
  @Test("Messages are percent-encoded as the protocol says, and decoded")
  func percentEncoding() {
    let table: [(String, String)] = [
      ("", ""), ("plain text, with (signs) ~!", "plain text, with (signs) ~!"), ("100%", "100%25"),
      ("a\nb\t", "a%0Ab%09"),
      ("größer", "gr%C3%B6%C3%9Fer"), ("\u{7F}\u{0}", "%7F%00"), ("🙂", "%F0%9F%99%82"), (" a b ", "%20a b%20"),
      (" ", "%20"),
    ]
    for (text, encoded) in table {
      #expect(PercentEncoding.encode(text) == encoded)
      #expect(PercentEncoding.decode(encoded) == text)
    }
  }

  @Test("A badly encoded message is shown as far as it can be")
  func badEncoding() {
    let table: [(String, String)] = [
      ("%", "%"), ("%4", "%4"), ("%41", "A"), ("%4g1", "%4g1"), ("%%41", "%A"), ("%c3%b6", "ö"), ("%FF", "\u{FFFD}"),
      ("%41%", "A%"),
    ]
    for (encoded, text) in table { #expect(PercentEncoding.decode(encoded) == text) }
  }

  @Test("Random text survives, and a limit cuts between characters")
  func randomText() {
    var random = SeededGenerator()
    let seed = random.description
    for _ in 0..<500 {
      var text = ""
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        let bound: UInt32 = [0x80, 0x800, 0xD800][Int.random(in: 0...2, using: &random)]
        text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 0..<bound, using: &random))!)
      }
      let encoded = PercentEncoding.encode(text)
      #expect(
        encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) } && encoded.first != " " && encoded.last != " ", "\(seed)"
      )
      #expect(PercentEncoding.decode(encoded).unicodeScalars.elementsEqual(text.unicodeScalars), "\(seed)")
      let limit = Int.random(in: 0...30, using: &random)
      let cut = PercentEncoding.encode(text, limit: limit)
      #expect(cut.utf8.count <= limit && cut.last != " ", "\(seed)")
      let shown = PercentEncoding.decode(cut)
      #expect(Array(text.unicodeScalars).starts(with: Array(shown.unicodeScalars)), "\(seed)")
    }
  }

  @Test("HTTP's statuses and HTTP/2's errors have the codes of gRPC's tables")
  func mappings() {
    let statuses: [(Int, GRPCStatus.Code)] = [
      (400, .internal), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented), (429, .unavailable),
      (502, .unavailable), (503, .unavailable), (504, .unavailable), (200, .unknown), (500, .unknown), (302, .unknown),
      (0, .unknown),
    ]
    for (status, code) in statuses { #expect(GRPCStatus(httpStatus: status).code == code, "\(status)") }
    let errors: [GRPCStatus.Code] = [
      .internal, .internal, .internal, .internal, .internal, .unknown, .internal, .unavailable, .cancelled, .internal,
      .internal, .resourceExhausted, .permissionDenied, .unknown, .unknown,
    ]
    for (error, code) in errors.enumerated() { #expect(GRPCStatus(http2Error: UInt32(error)).code == code, "\(error)") }
    #expect(GRPCStatus(http2Error: 7).message == "the peer ended the stream with HTTP/2's REFUSED_STREAM")
    #expect(GRPCStatus(http2Error: .max).message == "the peer ended the stream with HTTP/2's code 4294967295")
    #expect(GRPCStatus(.cancelled).http2Error == 8 && GRPCStatus(.resourceExhausted).http2Error == 11)
  }

  @Test("Failures become codes that Flight's clients know, and statuses become failures that name the place")
  func failures() {
    let kinds: [(Failure.Kind, GRPCStatus.Code)] = [
      (.usage, .invalidArgument), (.data, .invalidArgument), (.noInput, .notFound), (.plugin, .failedPrecondition),
      (.unavailable, .unavailable), (.software, .internal), (.io, .internal), (.memory, .resourceExhausted),
    ]
    for (kind, code) in kinds { #expect(GRPCStatus(Failure(kind, "why")) == GRPCStatus(code, "why")) }
    #expect(GRPCStatus(Failure(.io, retryable: true, "why")).code == .unavailable)
    let failure = Failure(GRPCStatus(.notFound, "no such table"), at: "the server, DoGet")
    #expect(failure.kind == .noInput && failure.message == "the server, DoGet answered NOT_FOUND: no such table")
    for code in GRPCStatus.Code.allCases where code != .ok {
      let failure = Failure(GRPCStatus(code), at: "x")
      let retryable: Set<GRPCStatus.Code> = [.unavailable, .deadlineExceeded, .resourceExhausted, .aborted]
      #expect(failure.retryable == retryable.contains(code), "\(code)")
      #expect(failure.message == "x answered \(code.name)")
    }
  }

  @Test("Timeouts are read and written by the table, and are never written shorter")
  func timeouts() {
    let read: [(String, Int64?)] = [
      ("1n", 1), ("0S", 0), ("5u", 5_000), ("7m", 7_000_000), ("10S", 10_000_000_000), ("2M", 120_000_000_000),
      ("1H", 3_600_000_000_000), ("99999999n", 99_999_999), ("99999999H", .max), ("00000001S", 1_000_000_000),
      ("", nil), ("S", nil),
      ("1", nil), ("1s", nil), ("-1S", nil), ("+1S", nil), ("1.5S", nil), ("123456789n", nil), ("1 S", nil),
      ("١S", nil), ("1SS", nil),
    ]
    for (text, nanoseconds) in read { #expect(GRPCTimeout.nanoseconds(text) == nanoseconds, "\(text)") }
    let written: [(Int64, String)] = [
      (-5, "1n"), (0, "1n"), (1, "1n"), (99_999_999, "99999999n"), (100_000_000, "100000u"), (100_000_001, "100001u"),
      (99_999_999_000, "99999999u"), (99_999_999_001, "100000m"), (100_000_000_000_000, "100000S"), (.max, "2562048H"),
    ]
    for (nanoseconds, text) in written { #expect(GRPCTimeout.text(nanoseconds) == text) }
    var random = SeededGenerator()
    for _ in 0..<1000 {
      let wanted = Int64.random(in: 1 ... .max, using: &random) >> Int64.random(in: 0...62, using: &random)
      let told = GRPCTimeout.nanoseconds(GRPCTimeout.text(max(1, wanted)))
      #expect(told.map { $0 >= wanted && Double($0) <= Double(wanted) * 1.0001 + 1 || $0 == .max } == true, "\(random)")
    }
  }
}
