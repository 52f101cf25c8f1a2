import Base
import Testing

@testable import Networking

/// The rules of RFC 9113, one by one, broken by frames that are written by hand.
@Suite("HTTP/2 rules")
struct HTTP2RuleTests {
  enum Outcome {
    /// The connection is ended with one of these codes.
    case connection([HTTP2ErrorCode])
    /// The stream is given up with this code, and others go on.
    case stream(UInt32, HTTP2ErrorCode)
    /// Nothing is wrong.
    case fine
  }

  struct Rule: CustomTestStringConvertible {
    var name: String
    var frames: [UInt8]
    var outcome: Outcome
    var testDescription: String { name }

    init(_ name: String, _ frames: [[UInt8]], _ outcome: Outcome) {
      self.name = name
      self.frames = Array(frames.joined())
      self.outcome = outcome
    }
  }

  private static var options: HTTP2Options {
    var options = HTTP2Options()
    options.maxConcurrentStreams = 3
    options.streamWindow = 1_000
    options.connectionWindow = 65_535
    options.maxFrameSize = 16_384
    return options
  }

  private static let headers = Raw.headers(1)
  private static let ended = Raw.headers(1, end: true)
  private static let prioritySelf = Raw.word(1) + [15]

  private static func settings(_ id: UInt16, _ value: UInt32) -> [UInt8] { Raw.settings([(id, value)]) }
  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  /// What a client may not do: section 4 to 6.
  static let framing: [Rule] = [
    Rule("4.1 the reserved bit is ignored", [Raw.frame(1, flags: 5, stream: 0x8000_0001, Raw.request)], .fine),
    Rule("4.1 frames of unknown types are ignored", [Raw.frame(0xBB, flags: 255, zeros(8)), headers], .fine),
    Rule("4.1 also on a stream", [headers, Raw.frame(0xCC, stream: 1, [1]), Raw.frame(0xCC, stream: 9, [1])], .fine),
    Rule("4.1 unknown flags are ignored", [Raw.frame(6, flags: 0xFE, zeros(8)), headers], .fine),
    Rule("4.2 a frame that is too large", [headers, Raw.data(1, zeros(16_385))], .connection([.frameSizeError])),
    Rule("4.3 a head that cannot be decoded", [Raw.headers(1, [0x80])], .connection([.compressionError])),
    Rule("4.3 an index beyond the table", [Raw.headers(1, [0xFF, 0x40])], .connection([.compressionError])),
    Rule(
      "4.3 a table larger than allowed", [Raw.headers(1, [0x3F, 0xFF, 0x7F] + Raw.request)],
      .connection([.compressionError])),
    Rule("4.3 a head cut short", [Raw.headers(1, [0x82, 0x00, 0x05, 0x61])], .connection([.compressionError])),
    Rule("4.3 another frame inside a head", [Raw.headers(1, goesOn: true), Raw.ping()], .connection([.protocolError])),
    Rule(
      "4.3 an unknown frame inside a head", [Raw.headers(1, goesOn: true), Raw.frame(0xBB)],
      .connection([.protocolError])),
    Rule(
      "4.3 a head in parts",
      [
        Raw.headers(1, [0x82], goesOn: true), Raw.continuation(1, [0x86], goesOn: true),
        Raw.continuation(1, [0x84] + Raw.field(":authority", "v")),
      ], .fine),

    Rule("5.1 DATA on an idle stream", [Raw.data(1, [1])], .connection([.protocolError])),
    Rule("5.1 RST_STREAM on an idle stream", [Raw.reset(1)], .connection([.protocolError])),
    Rule("5.1 WINDOW_UPDATE on an idle stream", [Raw.window(1, 1)], .connection([.protocolError])),
    Rule("5.1 PRIORITY on an idle stream", [Raw.priority(1), headers], .fine),
    Rule("5.1 DATA on a half-closed stream", [ended, Raw.data(1, [1])], .connection([.streamClosed])),
    Rule("5.1 HEADERS on a half-closed stream", [ended, ended], .connection([.streamClosed])),
    Rule(
      "5.1 what is allowed on a half-closed stream", [ended, Raw.window(1, 1), Raw.priority(1), Raw.reset(1)], .fine),
    Rule(
      "5.1 DATA on a stream that the client reset", [headers, Raw.reset(1), Raw.data(1, [1])],
      .connection([.streamClosed])),
    Rule(
      "5.1 HEADERS on a stream that the client reset", [headers, Raw.reset(1), ended], .connection([.streamClosed])),
    Rule(
      "5.1 CONTINUATION on a stream that the client reset", [headers, Raw.reset(1), Raw.continuation(1, [])],
      .connection([.protocolError, .streamClosed])),
    Rule("5.1 what may follow a reset", [headers, Raw.reset(1), Raw.priority(1), Raw.reset(1)], .fine),
    Rule("5.1.1 an even number", [Raw.headers(2)], .connection([.protocolError])),
    Rule(
      "5.1.1 a number below an earlier one", [Raw.headers(5, end: true), Raw.headers(3, end: true)],
      .connection([.protocolError])),
    Rule("5.1.1 numbers may be left out", [Raw.headers(5), Raw.headers(99)], .fine),
    Rule(
      "5.1.2 more streams than allowed", [headers, Raw.headers(3), Raw.headers(5), Raw.headers(7)],
      .connection([.protocolError, .refusedStream])),
    Rule(
      "5.1.2 ended streams do not count", [headers, Raw.reset(1), Raw.headers(3), Raw.headers(5), Raw.headers(7)], .fine
    ),
    Rule("5.3.2 PRIORITY on itself is ignored", [headers, Raw.priority(1, on: 1)], .fine),
    Rule(
      "5.3.2 HEADERS on itself", [Raw.frame(1, flags: 0x24, stream: 1, prioritySelf + Raw.request)],
      .connection([.protocolError])),
    Rule(
      "5.3.2 HEADERS with a priority", [Raw.frame(1, flags: 0x24, stream: 1, Raw.word(0) + [15] + Raw.request)], .fine),

    Rule("6.1 DATA on stream 0", [Raw.data(0, [1])], .connection([.protocolError])),
    Rule(
      "6.1 padding as long as the payload", [headers, Raw.frame(0, flags: 8, stream: 1, [4, 0, 0, 0])],
      .connection([.protocolError])),
    Rule(
      "6.1 padding flagged but not there", [headers, Raw.frame(0, flags: 8, stream: 1, [])],
      .connection([.protocolError])),
    Rule("6.1 padding that fits", [headers, Raw.frame(0, flags: 9, stream: 1, [3, 7, 0, 0, 0])], .fine),
    Rule("6.2 HEADERS on stream 0", [Raw.headers(0)], .connection([.protocolError])),
    Rule(
      "6.2 padding longer than the head", [Raw.frame(1, flags: 12, stream: 1, [200] + Raw.request)],
      .connection([.protocolError])),
    Rule(
      "6.2 a head without room for its priority", [Raw.frame(1, flags: 0x24, stream: 1, [0, 0])],
      .connection([.frameSizeError])),
    Rule("6.2 padding that fits", [Raw.frame(1, flags: 12, stream: 1, [2] + Raw.request + [0, 0])], .fine),
    Rule("6.3 PRIORITY on stream 0", [Raw.priority(0)], .connection([.protocolError])),
    Rule("6.3 PRIORITY of a wrong size", [headers, Raw.frame(2, stream: 1, zeros(4))], .connection([.frameSizeError])),
    Rule("6.4 RST_STREAM on stream 0", [Raw.reset(0)], .connection([.protocolError])),
    Rule(
      "6.4 RST_STREAM of a wrong size", [headers, Raw.frame(3, stream: 1, zeros(3))], .connection([.frameSizeError])),
    Rule("6.4 RST_STREAM with an unknown code", [headers, Raw.reset(1, 77)], .fine),
    Rule("6.5 SETTINGS on a stream", [headers, Raw.frame(4, stream: 1)], .connection([.protocolError])),
    Rule("6.5 SETTINGS of a wrong size", [Raw.frame(4, zeros(5))], .connection([.frameSizeError])),
    Rule(
      "6.5 an answer to SETTINGS with a payload", [Raw.frame(4, flags: 1, zeros(6))], .connection([.frameSizeError])),
    Rule("6.5.2 ENABLE_PUSH of 2", [settings(2, 2)], .connection([.protocolError])),
    Rule("6.5.2 a window beyond 2^31 - 1", [settings(4, 0x8000_0000)], .connection([.flowControlError])),
    Rule("6.5.2 the largest window", [settings(4, 0x7FFF_FFFF), headers], .fine),
    Rule("6.5.2 frames below 16,384 bytes", [settings(5, 16_383)], .connection([.protocolError])),
    Rule("6.5.2 frames beyond 2^24 - 1 bytes", [settings(5, 0x0100_0000)], .connection([.protocolError])),
    Rule("6.5.2 the largest frames", [settings(5, 0x00FF_FFFF), headers], .fine),
    Rule("6.5.2 unknown settings are ignored", [settings(0xABCD, 0xFFFF_FFFF), headers], .fine),
    Rule(
      "6.5.2 no table of fields, no push, small lists", [Raw.settings([(1, 0), (2, 0), (6, 100)]), headers], .fine),
    Rule(
      "6.6 PUSH_PROMISE by a client", [headers, Raw.frame(5, flags: 4, stream: 1, Raw.word(2) + Raw.request)],
      .connection([.protocolError])),
    Rule("6.7 PING on a stream", [headers, Raw.frame(6, stream: 1, zeros(8))], .connection([.protocolError])),
    Rule("6.7 PING of 7 bytes", [Raw.frame(6, zeros(7))], .connection([.frameSizeError])),
    Rule("6.7 PING of 9 bytes", [Raw.frame(6, zeros(9))], .connection([.frameSizeError])),
    Rule("6.7 an answer that nobody asked for", [Raw.ping(1), headers], .fine),
    Rule("6.8 GOAWAY on a stream", [headers, Raw.frame(7, stream: 1, zeros(8))], .connection([.protocolError])),
    Rule("6.8 GOAWAY of 7 bytes", [Raw.frame(7, zeros(7))], .connection([.frameSizeError])),
    Rule(
      "6.8 GOAWAY that names more than an earlier one", [headers, Raw.goAway(0), Raw.goAway(2)],
      .connection([.protocolError])),
    Rule("6.9 WINDOW_UPDATE of 0 on the connection", [Raw.window(0, 0)], .connection([.protocolError])),
    // A stream's error may end the connection (section 5.4.1), and nghttp2 does so here.
    Rule("6.9 WINDOW_UPDATE of 0 on a stream", [headers, Raw.window(1, 0)], .connection([.protocolError])),
    Rule(
      "6.9 WINDOW_UPDATE of a wrong size", [headers, Raw.frame(8, stream: 1, zeros(3))], .connection([.frameSizeError])),
    Rule("6.9 WINDOW_UPDATE's reserved bit", [headers, Raw.window(1, 0x8000_0001)], .fine),
    Rule(
      "6.9.1 a window beyond 2^31 - 1 on the connection", [Raw.window(0, 0x7FFF_FFFF)], .connection([.flowControlError])
    ),
    Rule(
      "6.9.1 a window beyond 2^31 - 1 on a stream", [headers, Raw.window(1, 0x7FFF_FFFF)], .stream(1, .flowControlError)
    ),
    Rule("6.9.1 the largest window", [headers, Raw.window(1, 0x7FFF_FFFF - 65_535)], .fine),
    Rule(
      "6.9.1 more data than the stream's window", [headers, Raw.data(1, zeros(1_001))], .stream(1, .flowControlError)
    ),
    Rule("6.9.1 as much data as the stream's window", [headers, Raw.data(1, zeros(1_000))], .fine),
    Rule(
      "6.9.2 SETTINGS that make a window too large", [headers, Raw.window(1, 0x7FFF_0000), settings(4, 0x7FFF_FFFF)],
      .connection([.flowControlError])),
    Rule("6.10 CONTINUATION without a head", [Raw.continuation(1, Raw.request)], .connection([.protocolError])),
    Rule(
      "6.10 CONTINUATION after a whole head", [headers, Raw.continuation(1, Raw.request)], .connection([.protocolError])
    ),
    Rule(
      "6.10 CONTINUATION after DATA", [headers, Raw.data(1, [1]), Raw.continuation(1, [])],
      .connection([.protocolError])),
    Rule(
      "6.10 CONTINUATION on another stream", [Raw.headers(1, goesOn: true), Raw.continuation(3, [])],
      .connection([.protocolError])),
    Rule(
      "6.10 CONTINUATION on stream 0", [Raw.headers(1, goesOn: true), Raw.continuation(0, [])],
      .connection([.protocolError])),
  ]

  private static func malformed(_ name: String, _ block: [UInt8], _ rest: [[UInt8]] = []) -> Rule {
    Rule("8 " + name, [Raw.headers(1, block)] + rest, .stream(1, .protocolError))
  }

  private static let request = Raw.request

  /// Messages that are no HTTP: section 8.
  static let messages: [Rule] = [
    malformed("a name with capitals", request + Raw.field("Upper", "x")),
    malformed("a name with a space", request + Raw.field("a b", "x")),
    malformed("an empty name", request + Raw.field("", "x")),
    malformed("a value with a line's end", request + Raw.field("x", "a\r\nb: c")),
    malformed("a value with a zero", request + Raw.field("x", "a\u{0}b")),
    malformed("an unknown pseudo field", request + Raw.field(":volley", "x")),
    malformed("a response's pseudo field", request + Raw.field(":status", "200")),
    malformed(
      "a pseudo field after others", [0x82, 0x86] + Raw.field("x", "y") + [0x84] + Raw.field(":authority", "v")),
    malformed("a pseudo field twice", request + [0x84]),
    malformed("no method", [0x86, 0x84] + Raw.field(":authority", "v")),
    malformed("no scheme", [0x82, 0x84] + Raw.field(":authority", "v")),
    malformed("no path", [0x82, 0x86] + Raw.field(":authority", "v")),
    malformed("an empty path", [0x82, 0x86] + Raw.field(":path", "") + Raw.field(":authority", "v")),
    malformed("a field of the connection", request + Raw.field("connection", "keep-alive")),
    malformed("transfer-encoding", request + Raw.field("transfer-encoding", "chunked")),
    malformed("te other than trailers", request + Raw.field("te", "gzip")),
    Rule("8 te: trailers", [Raw.headers(1, request + Raw.field("te", "trailers"))], .fine),
    malformed("a second head that does not end the stream", request, [Raw.headers(1, Raw.field("a", "b"))]),
    malformed("a pseudo field in trailers", request, [Raw.headers(1, Raw.field(":path", "/"), end: true)]),
    Rule("8 trailers", [Raw.headers(1), Raw.headers(1, Raw.field("a", "b"), end: true)], .fine),
    malformed("a length that is no number", request + Raw.field("content-length", "x")),
    malformed("two lengths", request + Raw.field("content-length", "1") + Raw.field("content-length", "1")),
    malformed("fewer data than said", request + Raw.field("content-length", "2"), [Raw.data(1, [1], end: true)]),
    malformed("more data than said", request + Raw.field("content-length", "2"), [Raw.data(1, [1, 2, 3])]),
    Rule(
      "8 as many data as said",
      [Raw.headers(1, request + Raw.field("content-length", "2")), Raw.data(1, [1, 2], end: true)], .fine),
  ]

  @Test("A client that breaks a rule gets that rule's error, wherever its bytes are cut", arguments: framing + messages)
  func server(_ rule: Rule) {
    for isCut in [false, true] {
      let raw = RawPeer(.server, Self.options)
      raw.peer.makeRecorder = { _, _ in
        let recorder = StreamRecorder()
        recorder.consumesAtOnce = false
        return recorder
      }
      if isCut { for byte in rule.frames { raw.give([byte]) } } else { raw.give(rule.frames) }
      Self.check(raw, rule)
    }
  }

  private static func check(_ raw: RawPeer, _ rule: Rule) {
    switch rule.outcome {
    case .connection(let codes):
      #expect(raw.goAway.map(codes.contains) == true, "\(rule.name): \(raw.frames)")
      #expect(raw.frames.last?.type == 7 && raw.peer.session.isEnded)
      #expect(raw.peer.end??.message.contains("broke the rules") == true, "\(String(describing: raw.peer.end))")
      for (_, recorder) in raw.peer.opened { #expect(recorder.end != nil) }
      return
    case .stream(let stream, let code):
      #expect(raw.reset(stream) == code && raw.goAway == nil, "\(rule.name): \(raw.frames)")
      #expect(raw.peer.opened.allSatisfy { $0.recorder.end == .reset(code, byPeer: false) })
    case .fine:
      #expect(raw.frames.allSatisfy { $0.type != 3 && $0.type != 7 }, "\(rule.name): \(raw.frames)")
      for (stream, recorder) in raw.peer.opened { #expect(stream.isOpen == (recorder.end == nil)) }
    }
    // The connection serves on. There may be three streams.
    for (stream, _) in raw.peer.opened { stream.reset(.cancel) }
    raw.take()
    raw.peer.makeRecorder = { _, _ in
      let recorder = StreamRecorder()
      recorder.onEnd = { $0.send(head: .response(status: 200), endsStream: true) }
      return recorder
    }
    raw.clear()
    raw.give(Raw.headers(101, end: true))
    #expect(raw.frames.contains { $0.type == 1 && $0.stream == 101 && $0.flags == 5 }, "\(rule.name): \(raw.frames)")
  }

  @Test("A PING is answered with its bytes, and SETTINGS by an empty frame")
  func answers() {
    let raw = RawPeer(.server)
    raw.give(Raw.ping() + Raw.settings([(3, 10)]))
    #expect(
      raw.frames == [
        .init(type: 6, flags: 1, stream: 0, payload: [1, 2, 3, 4, 5, 6, 7, 8]),
        .init(type: 4, flags: 1, stream: 0, payload: []),
      ])
  }

  @Test("A client that does not greet as it must is told so")
  func greeting() {
    for (bytes, text) in [
      (Array("GET / HTTP/1.1\r\n".utf8), "greeting"), (Raw.magic() + Raw.ping(), "SETTINGS"),
      (Raw.magic() + Raw.settingsAnswer, "SETTINGS"), (Raw.magic() + Raw.headers(1), "SETTINGS"),
    ] {
      let raw = RawPeer(.server, greets: false)
      raw.give(bytes)
      #expect(raw.frames.first?.type == 4 && raw.goAway == .protocolError && raw.peer.session.isEnded)
      #expect(raw.peer.end??.message.contains(text) == true)
    }
  }

  @Test("Frames on a stream that the server gave up are ignored, and its data make room on the connection")
  func afterOurReset() {
    let raw = RawPeer(.server, Self.options)
    raw.give(Raw.headers(1))
    raw.peer.opened[0].stream.reset(.cancel)
    raw.take()
    raw.clear()
    for _ in 0..<66 { raw.give(Raw.data(1, [UInt8](repeating: 0, count: 1_000))) }
    raw.give(Raw.headers(1, Raw.field("a", "b"), end: true))
    #expect(raw.frames.allSatisfy { $0.type == 8 && $0.stream == 0 } && !raw.frames.isEmpty && raw.peer.end == nil)
  }

  @Test("A window that SETTINGS make smaller than what is used stays closed until it is open again")
  func negativeWindow() {
    let raw = RawPeer(.server)
    raw.give(Raw.settings([(4, 10)]) + Raw.headers(1, end: true))
    let stream = raw.peer.opened[0].stream
    stream.send(head: .response(status: 200))
    stream.send([UInt8](repeating: 1, count: 20))
    raw.take()
    #expect(raw.frames.last?.payload.count == 10)
    raw.clear()
    raw.give(Raw.settings([(4, 2)]) + Raw.window(1, 8))
    #expect(raw.frames.allSatisfy { $0.type != 0 })
    raw.give(Raw.window(1, 1))
    #expect(raw.frames.last == .init(type: 0, flags: 0, stream: 1, payload: [1]))
    raw.give(Raw.settings([(4, 100)]))
    #expect(raw.frames.last == .init(type: 0, flags: 0, stream: 1, payload: [UInt8](repeating: 1, count: 9)))
  }

  private static func response(_ name: String, _ frames: [[UInt8]], _ outcome: Outcome) -> Rule {
    Rule(name, frames, outcome)
  }

  /// What a server may not do.
  static let responses: [Rule] = [
    Rule("5.1 HEADERS on an idle stream", [Raw.headers(3, Raw.response)], .connection([.protocolError])),
    Rule("5.1 HEADERS on a stream of the server", [Raw.headers(2, Raw.response)], .connection([.protocolError])),
    Rule("5.1 DATA on an idle stream", [Raw.data(3, [1])], .connection([.protocolError])),
    Rule("5.1 DATA before a head", [Raw.data(1, [1])], .connection([.protocolError])),
    Rule(
      "5.1 DATA after the end", [Raw.headers(1, Raw.response, end: true), Raw.data(1, [1])],
      .connection([.streamClosed])),
    Rule("6.5.2 a server that enables push", [settings(2, 1)], .connection([.protocolError])),
    Rule(
      "6.6 PUSH_PROMISE though push is off", [Raw.frame(5, flags: 4, stream: 1, Raw.word(2) + Raw.request)],
      .connection([.protocolError])),
    Rule("6.8 GOAWAY with a server's stream", [Raw.goAway(2)], .connection([.protocolError])),
    Rule(
      "6.9.1 more data than the window", [Raw.headers(1, Raw.response), Raw.data(1, zeros(1_001))],
      .stream(1, .flowControlError)),
    Rule("8 a response without status", [Raw.headers(1, Raw.field("a", "b"))], .stream(1, .protocolError)),
    Rule(
      "8 a response with a request's pseudo field", [Raw.headers(1, Raw.response + [0x84])], .stream(1, .protocolError)),
    Rule("8 a status that is no number", [Raw.headers(1, Raw.field(":status", "abc"))], .stream(1, .protocolError)),
    Rule(
      "8 a response with a field of the connection", [Raw.headers(1, Raw.response + Raw.field("connection", "close"))],
      .stream(1, .protocolError)),
    Rule(
      "8 a first response that ends the stream", [Raw.headers(1, Raw.field(":status", "103"), end: true)],
      .stream(1, .protocolError)),
    Rule(
      "8 fewer data than said",
      [Raw.headers(1, Raw.response + Raw.field("content-length", "5")), Raw.data(1, [1], end: true)],
      .stream(1, .protocolError)),
    Rule(
      "8 a response before the last one",
      [
        Raw.headers(1, Raw.field(":status", "103")), Raw.headers(1, Raw.response),
        Raw.headers(1, Raw.field("a", "b"), end: true),
      ], .fine),
  ]

  @Test("A server that breaks a rule gets that rule's error, wherever its bytes are cut", arguments: responses)
  func client(_ rule: Rule) throws {
    for isCut in [false, true] {
      let raw = RawPeer(.client, Self.options)
      let recorder = StreamRecorder()
      recorder.consumesAtOnce = false
      let stream = try raw.peer.session.open(.post, handler: recorder)
      raw.take()
      raw.clear()
      if isCut { for byte in rule.frames { raw.give([byte]) } } else { raw.give(rule.frames) }
      switch rule.outcome {
      case .connection(let codes):
        #expect(raw.goAway.map(codes.contains) == true, "\(raw.frames)")
        #expect(raw.peer.session.isEnded && recorder.end?.failed?.message.contains("broke the rules") == true)
      case .stream(let id, let code):
        #expect(raw.reset(id) == code && raw.goAway == nil, "\(raw.frames)")
        #expect(recorder.end == .reset(code, byPeer: false) && !stream.isOpen)
      case .fine:
        #expect(recorder.head == .response(status: 200) && recorder.trailers == ["a": "b"] && recorder.hasEnded)
        #expect(recorder.end == nil && raw.goAway == nil)
      }
    }
  }
}
