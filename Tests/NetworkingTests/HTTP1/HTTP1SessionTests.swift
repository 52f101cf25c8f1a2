import Base
import TestSupport
import Testing

@testable import Networking

/// A connection of HTTP/1.1, and a handler that answers with what it was asked.
private final class Connection: HTTP1SessionHandler {
  let session: HTTP1Session
  var requests: [HTTP1Request] = []
  var answer: (HTTP1Request) -> HTTP1Response? = { HTTP1Response(status: 200, body: Array($0.target.utf8) + $0.body) }
  var wants = 0
  private(set) var sent = ""
  private var queue = OutputQueue()

  init(_ options: HTTP1Options = HTTP1Options()) {
    session = HTTP1Session(options: options, at: MonotonicTime(nanoseconds: 0))
    session.handler = self
  }

  func received(_ request: HTTP1Request, in session: HTTP1Session) {
    requests.append(request)
    if let response = answer(request) { session.respond(response, at: MonotonicTime(nanoseconds: 0)) }
  }

  func wantsOutput(_ session: HTTP1Session) { wants += 1 }

  func give(_ text: String, at now: Int64 = 0) {
    Array(text.utf8).withUnsafeBytes { session.receive($0, at: MonotonicTime(nanoseconds: now)) }
    take()
  }

  func take() {
    session.produce(into: &queue)
    var bytes: [UInt8] = []
    while !queue.isEmpty {
      queue.write { vectors in
        for vector in vectors {
          bytes.append(contentsOf: UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len))
        }
        return vectors.reduce(0) { $0 + $1.iov_len }
      }
    }
    sent += String(decoding: bytes, as: UTF8.self)
  }
}

@Suite("HTTP/1.1 session")
struct HTTP1SessionTests {
  struct Case: CustomTestStringConvertible {
    var name: String
    var bytes: String
    /// What is answered, without what follows a first line that refuses.
    var answers: [String]
    /// Whether the connection ends.
    var ends: Bool
    var testDescription: String { name }

    init(_ name: String, _ bytes: String, _ answers: [String], ends: Bool = false) {
      (self.name, self.bytes, self.answers, self.ends) = (name, bytes, answers, ends)
    }

    /// A request that is refused with this status, after which nothing is read.
    init(_ name: String, _ bytes: String, refused status: Int) {
      self.init(name, bytes, ["HTTP/1.1 \(status) "], ends: true)
    }
  }

  private static func ok(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
  }

  private static let closing = "connection: close\r\n"
  private static let keeping = "connection: keep-alive\r\n"
  private static let post = "POST /p HTTP/1.1\r\nhost: v\r\n"
  private static let long = String(repeating: "x", count: 9_000)

  static let served: [Case] = [
    Case("GET", "GET /a?b=c HTTP/1.1\r\nHost: v\r\n\r\n", [ok("/a?b=c")]),
    Case(
      "HEAD gets the length alone", "HEAD /abc HTTP/1.1\r\nHost: v\r\n\r\n",
      ["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"]),
    Case("POST with a length", post + "content-length: 3\r\n\r\nxyz", [ok("/pxyz")]),
    Case("POST with no body", post + "content-length: 0\r\n\r\n", [ok("/p")]),
    Case("POST with no length", post + "\r\n", [ok("/p")]),
    Case(
      "POST in chunks", post + "transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
      [ok("/pabc0123456789")]),
    Case(
      "chunks with trailers", post + "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\nz: w\r\n\r\n",
      [ok("/pa")]),
    Case("chunks none", post + "transfer-encoding: chunked\r\n\r\n0\r\n\r\n", [ok("/p")]),
    Case(
      "a body that looks like a request", post + "content-length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      [ok("/pGET / HTTP/1.1\r\n\r\n")]),
    Case(
      "requests at once are answered in order",
      "GET /1 HTTP/1.1\r\nhost: v\r\n\r\n" + post + "content-length: 1\r\n\r\n2GET /3 HTTP/1.1\r\nhost: v\r\n\r\n",
      [ok("/1"), ok("/p2"), ok("/3")]),
    Case(
      "connection: close",
      "GET /1 HTTP/1.1\r\nhost: v\r\nconnection: foo, Close\r\n\r\nGET /2 HTTP/1.1\r\nhost: v\r\n\r\n",
      [ok("/1", closing)], ends: true),
    Case("HTTP/1.0 closes", "GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", [ok("/1", closing)], ends: true),
    Case(
      "HTTP/1.0 that keeps alive", "GET /1 HTTP/1.0\r\nconnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
      [ok("/1", keeping), ok("/2", closing)], ends: true),
    Case("a later HTTP/1", "GET /1 HTTP/1.2\r\nhost: v\r\n\r\n", [ok("/1")]),
    Case("an empty line before", "\r\n\r\nGET /1 HTTP/1.1\r\nhost: v\r\n\r\n", [ok("/1")]),
    Case(
      "a whole URI", "GET http://v:80/x?y HTTP/1.1\r\nhost: v\r\n\r\nGET http://v HTTP/1.1\r\nhost: v\r\n\r\n",
      [ok("/x?y"), ok("/")]),
    Case("blanks around a value", "GET /1 HTTP/1.1\r\nhost:\t v \t\r\nempty:\r\n\r\n", [ok("/1")]),
    Case("100-continue", post + "expect: 100-Continue\r\ncontent-length: 2\r\n\r\n", ["HTTP/1.1 100 Continue\r\n\r\n"]),
    Case("100-continue without a body", post + "expect: 100-continue\r\n\r\n", [ok("/p")]),
    Case(
      "100-continue in HTTP/1.0", "POST /p HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nx",
      [ok("/px", closing)], ends: true),
  ]

  static let refused: [Case] = [
    Case("no version", "GET /\r\n\r\n", refused: 400),
    Case("two spaces", "GET  / HTTP/1.1\r\n\r\n", refused: 400),
    Case("a space behind", "GET / HTTP/1.1 \r\n\r\n", refused: 400),
    Case("a tab between", "GET\t/ HTTP/1.1\r\n\r\n", refused: 400),
    Case("a space in front", " GET / HTTP/1.1\r\n\r\n", refused: 400),
    Case("a version in small letters", "GET / http/1.1\r\n\r\n", refused: 400),
    Case("a version of two digits", "GET / HTTP/1.10\r\n\r\n", refused: 400),
    Case("HTTP/2", "GET / HTTP/2.0\r\n\r\n", refused: 505),
    Case("HTTP/2's greeting", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused: 505),
    Case("another method", "DELETE / HTTP/1.1\r\nhost: v\r\n\r\n", refused: 501),
    Case("a method in small letters", "get / HTTP/1.1\r\nhost: v\r\n\r\n", refused: 501),
    Case("a method that is no token", "G@T / HTTP/1.1\r\nhost: v\r\n\r\n", refused: 400),
    Case("a target that is no path", "GET x HTTP/1.1\r\nhost: v\r\n\r\n", refused: 400),
    Case("a star", "GET * HTTP/1.1\r\nhost: v\r\n\r\n", refused: 400),
    Case("a fragment", "GET /#x HTTP/1.1\r\nhost: v\r\n\r\n", refused: 400),
    Case("bytes beyond ASCII in the target", "GET /\u{E9} HTTP/1.1\r\nhost: v\r\n\r\n", refused: 400),
    Case("a bare line feed in the first line", "GET / HTTP/1.1\nhost: v\r\n\r\n", refused: 400),
    Case("a bare line feed between fields", "GET / HTTP/1.1\r\nhost: v\nx: y\r\n\r\n", refused: 400),
    Case("a bare line feed at the end", "GET / HTTP/1.1\r\nhost: v\r\n\n", refused: 400),
    Case("a bare carriage return", "GET / HTTP/1.1\r\nhost: v\rx: y\r\n\r\n", refused: 400),
    Case("a folded field", "GET / HTTP/1.1\r\nhost: v\r\nx: y\r\n z\r\n\r\n", refused: 400),
    Case("a folded first field", "GET / HTTP/1.1\r\n host: v\r\n\r\n", refused: 400),
    Case("a space before the colon", "GET / HTTP/1.1\r\nhost : v\r\n\r\n", refused: 400),
    Case("no colon", "GET / HTTP/1.1\r\nhost: v\r\nabc\r\n\r\n", refused: 400),
    Case("no name", "GET / HTTP/1.1\r\nhost: v\r\n: x\r\n\r\n", refused: 400),
    Case("a zero in a value", "GET / HTTP/1.1\r\nhost: v\r\nx: a\u{0}b\r\n\r\n", refused: 400),
    Case("no host", "GET / HTTP/1.1\r\n\r\n", refused: 400),
    Case("two hosts", "GET / HTTP/1.1\r\nhost: v\r\nhost: v\r\n\r\n", refused: 400),
    Case("a host with a path", "GET / HTTP/1.1\r\nhost: v/w\r\n\r\n", refused: 400),
    Case("two lengths", post + "content-length: 1\r\ncontent-length: 1\r\n\r\nx", refused: 400),
    Case("a list of lengths", post + "content-length: 1, 1\r\n\r\nx", refused: 400),
    Case("a length with a sign", post + "content-length: +1\r\n\r\nx", refused: 400),
    Case("a length in hexadecimal digits", post + "content-length: 0x1\r\n\r\nx", refused: 400),
    Case("no length in the field", post + "content-length:\r\n\r\n", refused: 400),
    Case(
      "a length and chunks", post + "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", refused: 400),
    Case("chunks in HTTP/1.0", "POST /p HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", refused: 400),
    Case(
      "chunked twice", post + "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", refused: 400),
    Case("chunked in front of another", post + "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", refused: 400),
    Case("another coding", post + "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", refused: 501),
    Case("a vertical tab before the coding", post + "transfer-encoding: \u{B}chunked\r\n\r\n0\r\n\r\n", refused: 400),
    Case("a chunk's size with a space", post + "transfer-encoding: chunked\r\n\r\n3 \r\nabc\r\n", refused: 400),
    Case("a chunk's size with 0x", post + "transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n", refused: 400),
    Case("a chunk's size with a sign", post + "transfer-encoding: chunked\r\n\r\n-1\r\nabc\r\n", refused: 400),
    Case("no size of a chunk", post + "transfer-encoding: chunked\r\n\r\n\r\n", refused: 400),
    Case("a size that overflows", post + "transfer-encoding: chunked\r\n\r\n10000000000000003\r\n", refused: 400),
    Case("a chunk that is too long", post + "transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n", refused: 400),
    Case("a chunk's line ended by a line feed", post + "transfer-encoding: chunked\r\n\r\n3\nabc\r\n", refused: 400),
    Case("trailers that are no fields", post + "transfer-encoding: chunked\r\n\r\n0\r\n x\r\n\r\n", refused: 400),
    Case("another expectation", post + "expect: wonders\r\ncontent-length: 1\r\n\r\n", refused: 417),
    Case("a body beyond the bound", post + "content-length: 1048577\r\n\r\n", refused: 413),
    Case("a length beyond 64 bits", post + "content-length: 99999999999999999999\r\n\r\n", refused: 413),
    Case(
      "a body beyond the bound that waits for a word", post + "expect: 100-continue\r\ncontent-length: 1048577\r\n\r\n",
      refused: 413),
    Case("a chunk beyond the bound", post + "transfer-encoding: chunked\r\n\r\n100001\r\n", refused: 413),
    Case("chunks beyond the bound", post + "transfer-encoding: chunked\r\n\r\n1\r\na\r\n100000\r\n", refused: 413),
    Case("a first line beyond the bound", "GET /\(long) HTTP/1.1\r\nhost: v\r\n\r\n", refused: 414),
    Case("a first line without end", String(repeating: "G", count: 9_000), refused: 414),
    Case("a field beyond the bound", "GET / HTTP/1.1\r\nhost: v\r\nx: \(long)\r\ny: \(long)\r\n\r\n", refused: 431),
    Case(
      "too many fields", "GET / HTTP/1.1\r\nhost: v\r\n" + String(repeating: "x: y\r\n", count: 100) + "\r\n",
      refused: 431),
    Case("empty lines without end", String(repeating: "\r\n", count: 5), refused: 400),
    Case("TLS", "\u{16}\u{3}\u{1}\u{0}\r\n", refused: 400),
  ]

  @Test("A request has its answer, wherever its bytes are cut", arguments: served + refused)
  func table(_ example: Case) {
    let bytes = Array(example.bytes.utf8)
    let expected = example.answers.joined()
    // Long ones differ only in their middle.
    let cuts = bytes.count < 1_000 ? Array(0...bytes.count) : [0, 1, 100, bytes.count - 3]
    for cut in cuts {
      let connection = Connection()
      connection.give(String(decoding: bytes[..<cut], as: UTF8.self))
      // A cut within a character beyond ASCII gives another one, which is refused as well.
      connection.give(String(decoding: bytes[cut...], as: UTF8.self))
      if example.ends, example.answers.last?.hasSuffix(" ") == true {
        #expect(connection.sent.hasPrefix(expected), "cut at \(cut)")
        #expect(connection.sent.contains(Self.closing) && connection.sent.contains("This is refused: "))
      } else {
        #expect(connection.sent == expected, "cut at \(cut)")
      }
      #expect(connection.session.isEnded == example.ends, "cut at \(cut)")
      #expect(connection.session.wantsInput == !example.ends)
    }
    let slow = Connection()
    for byte in bytes { slow.give(String(decoding: [byte], as: UTF8.self)) }
    #expect(slow.sent.hasPrefix(expected) && slow.session.isEnded == example.ends)
  }

  @Test("A request's fields come in lower case and in order, its values as they were sent")
  func fields() throws {
    let connection = Connection()
    connection.give("GET / HTTP/1.1\r\nHost: Volley\r\nX-A: One, Two\r\nx-a: \u{E9}\r\n\r\n")
    let request = try #require(connection.requests.first)
    #expect(request.fields == ["host": "Volley", "x-a": "One, Two", "x-a": "\u{E9}"])
    #expect(request.method == .get && request.isHTTP11 && request.keepsAlive)
  }

  @Test("An answer may come later; requests behind it wait, up to a bound, and are answered in order")
  func later() {
    var options = HTTP1Options()
    options.maxWaiting = 90
    let connection = Connection(options)
    connection.answer = { _ in nil }
    let get = "GET /1 HTTP/1.1\r\nhost: v\r\n\r\n"
    connection.give(get + get)
    connection.give(get + get + "GET /5 HT")
    #expect(connection.requests.count == 1 && connection.sent.isEmpty && !connection.session.wantsInput)
    #expect(connection.session.deadline == nil)
    for index in 1...4 {
      connection.session.respond(
        HTTP1Response(status: 200, body: [48 + UInt8(index)]), at: MonotonicTime(nanoseconds: 7))
      #expect(connection.wants == index && connection.requests.count == min(4, index + 1))
    }
    connection.take()
    #expect(connection.sent == (1...4).map { Self.ok("\($0)") }.joined() && connection.session.wantsInput)
    connection.answer = { _ in HTTP1Response(status: 404, text: "nothing here") }
    connection.give("TP/1.1\r\nhost: v\r\n\r\n")
    #expect(
      connection.sent.hasSuffix(
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 13\r\n\r\nnothing here\n")
    )
  }

  @Test("A client that sends nothing more gets its answers, then the connection ends")
  func end() {
    let quiet = Connection()
    quiet.session.receiveEnd()
    #expect(quiet.session.isEnded && !quiet.session.wantsInput)
    let connection = Connection()
    connection.answer = { _ in nil }
    connection.give("GET /1 HTTP/1.1\r\nhost: v\r\n\r\nGET /2 HTTP/1.1\r\nhost: v\r\n\r\n")
    connection.session.receiveEnd()
    for _ in 0..<2 {
      #expect(!connection.session.isEnded)
      connection.session.respond(HTTP1Response(status: 204), at: MonotonicTime(nanoseconds: 0))
    }
    connection.take()
    #expect(connection.session.isEnded)
    #expect(connection.sent == "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
  }

  @Test("A slow client is told so within the time of a head or a body; one that is quiet between requests is not told")
  func time() {
    let second: Int64 = 1_000_000_000
    func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * second) }
    // Who has asked nothing yet is not waited for as long as who may ask again.
    for (asks, end) in [(false, Int64(10)), (true, 60)] {
      let idle = Connection()
      if asks { idle.give("GET / HTTP/1.1\r\nhost: a\r\n\r\n", at: 0) }
      let sent = idle.sent
      #expect(sent.isEmpty != asks && idle.session.deadline == at(end))
      idle.session.handleTime(at(end - 1))
      #expect(!idle.session.isEnded)
      idle.session.handleTime(at(end))
      idle.take()
      #expect(idle.session.isEnded && idle.sent == sent && idle.session.deadline == nil)
    }

    let head = Connection()
    head.give("G", at: 5 * second)
    head.give("ET / HTTP/1.1\r\n", at: 14 * second)
    #expect(head.session.deadline == at(15))
    head.session.handleTime(at(15))
    head.take()
    #expect(head.session.isEnded && head.sent.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))

    let body = Connection()
    body.give(Self.post + "content-length: 3\r\n\r\n", at: second)
    body.give("a", at: 50 * second)
    #expect(body.session.deadline == at(61))
    body.give("bcG", at: 60 * second)
    #expect(body.session.deadline == at(70))
    body.give("ET /", at: 69 * second)
    body.session.handleTime(at(70))
    body.take()
    #expect(body.sent.hasPrefix(Self.ok("/pabc") + "HTTP/1.1 408 "))
  }

  @Test("Fields of a response that would split it are not sent")
  func responseFields() {
    let connection = Connection()
    connection.answer = { _ in HTTP1Response(status: 200, fields: ["x": "a\r\nb: c"]) }
    connection.give("GET / HTTP/1.1\r\nhost: v\r\n\r\n")
    #expect(connection.sent.hasPrefix("HTTP/1.1 500 ") && !connection.sent.contains("b: c"))
    connection.answer = { _ in HTTP1Response(status: 200, fields: ["content-length": "9", "x": "y"], body: [65]) }
    connection.give("GET / HTTP/1.1\r\nhost: v\r\n\r\n")
    #expect(connection.sent.hasSuffix("HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 1\r\n\r\nA"))
  }

  @Test(
    "Bytes that are changed at random never crash a session, and what is served does not depend on where they are cut")
  func mutations() {
    var random = SeededGenerator()
    let seed = random.description
    let examples = (Self.served + Self.refused).map { Array($0.bytes.utf8.prefix(300)) }
    for _ in 0..<3_000 {
      var bytes = (0..<Int.random(in: 1...3, using: &random)).flatMap { _ in examples.randomElement(using: &random)! }
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          Bool.random(using: &random)
          ? .random(in: 0...127, using: &random) : Array("\r\n :;,0aZ".utf8).randomElement(using: &random)!
      }
      let whole = Connection()
      whole.give(String(decoding: bytes, as: UTF8.self))
      let cut = Connection()
      // Whole characters, so that both get the same bytes.
      var rest = String(decoding: bytes, as: UTF8.self).unicodeScalars[...]
      while !rest.isEmpty {
        let count = Int.random(in: 1...rest.count, using: &random)
        cut.give(String(rest.prefix(count)))
        rest.removeFirst(count)
      }
      #expect(whole.requests == cut.requests && whole.session.isEnded == cut.session.isEnded, "\(seed)")
    }
  }
}
