import Base
import TestSupport
import Testing

@testable import Networking

/// Peers that want to wear the other side out.
@Suite("HTTP/2 floods")
struct HTTP2FloodTests {
  private static let second: Int64 = 1_000_000_000

  private static var options: HTTP2Options {
    var options = HTTP2Options()
    for act in HTTP2FloodGuard.Act.allCases { options.flood[act] = .init(burst: 20, perSecond: 5) }
    options.flood.continuations = 4
    options.flood.unanswered = 15
    options.maxHeaderListSize = 2_000
    return options
  }

  /// A server whose client sends no more than greets; the SETTINGS count as one.
  private static func server() -> RawPeer { RawPeer(.server, options) }

  private static func expectCalm(_ raw: RawPeer, _ text: String, _ location: SourceLocation = #_sourceLocation) {
    #expect(raw.goAway == .enhanceYourCalm && raw.peer.session.isEnded, sourceLocation: location)
    let message = raw.peer.end??.message ?? ""
    #expect(message.contains("asks too much"), sourceLocation: location)
    #expect(message.contains(text) && message.contains("ENHANCE_YOUR_CALM"), "\(message)", sourceLocation: location)
    for (_, recorder) in raw.peer.opened { #expect(recorder.end != nil, sourceLocation: location) }
  }

  /// What is cheap to send, and how it is called when it was too much.
  static let floods: [(name: String, frames: [UInt8])] = [
    ("PING frames", Raw.ping()), ("PING frames", Raw.ping(1)), ("empty frames", Raw.data(1)),
    ("PRIORITY frames", Raw.priority(77)), ("WINDOW_UPDATE frames", Raw.window(1, 1)),
    ("WINDOW_UPDATE frames", Raw.window(0, 1)), ("frames of unknown types", Raw.frame(99)),
    ("SETTINGS frames", Raw.settings()), ("SETTINGS frames", Raw.goAway(0)),
  ]

  @Test(
    "Frames of each kind are taken in a burst and then at their rate; more end the connection, in one piece or in many",
    arguments: floods)
  func flood(_ name: String, _ frame: [UInt8]) {
    let budget = name == "SETTINGS frames" ? 19 : 20
    let raw = Self.server()
    raw.give(Raw.headers(1))
    for _ in 0..<budget { raw.give(frame) }
    #expect(raw.goAway != .enhanceYourCalm)
    // A second later there are five more.
    for _ in 0..<5 { raw.give(frame, at: Self.second) }
    #expect(raw.goAway != .enhanceYourCalm && raw.peer.end == nil)
    raw.give(frame, at: Self.second)
    Self.expectCalm(raw, "more than 20 \(name)")

    let whole = Self.server()
    whole.give(Raw.headers(1) + Array([[UInt8]](repeating: frame, count: 1_000).joined()))
    #expect(whole.goAway == .enhanceYourCalm && whole.peer.session.isEnded)
  }

  @Test("Streams that are opened and reset at once are taken in a burst; streams that were served make up for them")
  func rapidReset() {
    let raw = Self.server()
    var stream: UInt32 = 1
    for _ in 0..<20 {
      raw.give(Raw.headers(stream) + Raw.reset(stream))
      stream += 2
    }
    #expect(raw.peer.end == nil && raw.peer.opened.count == 20)
    raw.peer.makeRecorder = { _, _ in
      let recorder = StreamRecorder()
      recorder.onEnd = { $0.send(head: .response(status: 200), endsStream: true) }
      return recorder
    }
    for _ in 0..<3 {
      raw.give(Raw.headers(stream, end: true))
      stream += 2
    }
    for index in 0..<4 {
      #expect(raw.peer.end == nil, "\(index)")
      raw.give(Raw.headers(stream) + Raw.reset(stream))
      stream += 2
    }
    Self.expectCalm(raw, "reset streams")
    #expect(raw.peer.session.floods.count(of: .reset) == 24)
  }

  @Test("Streams that the server must give up because of what came on them are taken in a burst")
  func mistakes() {
    var options = Self.options
    options.flood[.windowUpdate] = .init(burst: 1_000, perSecond: 0)
    for kind in 0..<3 {
      let raw = RawPeer(.server, options)
      for index in 0..<21 {
        #expect(raw.peer.end == nil, "\(index)")
        let stream = UInt32(index * 2 + 1)
        switch kind {
        case 0: raw.give(Raw.headers(stream, Raw.request + Raw.field("Upper", "x")))
        case 1: raw.give(Raw.headers(stream) + Raw.window(stream, 0x7FFF_FFFF))
        default: raw.give(Raw.headers(stream, Raw.request + Raw.field("x", String(repeating: "x", count: 3_000))))
        }
      }
      Self.expectCalm(raw, "streams that broke the rules")
    }
  }

  @Test("A head beyond the bound resets its stream, and the next one is served; so it is with trailers")
  func largeHead() {
    let raw = Self.server()
    let large = Raw.field("x", String(repeating: "y", count: 1_900))
    raw.give(Raw.headers(1, Raw.request + large) + Raw.headers(3))
    #expect(raw.reset(1) == .enhanceYourCalm && raw.peer.opened.count == 1 && raw.peer.opened[0].stream.id == 3)
    raw.give(Raw.headers(3, large + large, end: true))
    #expect(raw.reset(3) == .enhanceYourCalm && raw.peer.opened[0].recorder.trailers == nil)
    #expect(raw.peer.opened[0].recorder.end?.failed?.message.contains("more than 2000 bytes of fields") == true)
    raw.give(Raw.headers(5, Raw.request + Raw.field("x", String(repeating: "y", count: 1_000)), end: true))
    #expect(raw.peer.opened[1].recorder.hasEnded && raw.peer.end == nil)
  }

  /// In a process of its own, as the memory of one that runs other tests at the same time says nothing.
  @Test("A bomb of HPACK, which refers to a large field again and again, costs no more than its own bytes")
  func bomb() async {
    await #expect(processExitsWith: .success) {
      let raw = RawPeer(.server)
      let before = ProcessMemory.residentBytes
      // A field of 3,900 bytes that goes into the table (RFC 7541 section 6.2.1), then 16,000 times its index (62).
      let field: [UInt8] =
        [0x40, 1, UInt8(ascii: "x"), 127, 0xBD, 0x1D] + [UInt8](repeating: 97, count: 127 + 0x3D + 29 * 128)
      raw.give(Raw.headers(1, Raw.request + field))
      #expect(raw.peer.opened.count == 1)
      for stream in 1...20 {
        raw.give(Raw.headers(UInt32(stream * 2 + 1), Raw.request + [UInt8](repeating: 0xBE, count: 16_000)))
        #expect(raw.reset(UInt32(stream * 2 + 1)) == .enhanceYourCalm || raw.peer.session.isEnded)
      }
      #expect(raw.peer.opened.count == 1)
      #expect(ProcessMemory.residentBytes - before < ProcessMemory.bound(32 << 20))
    }
  }

  @Test("A head in many parts ends the connection, also if they are empty")
  func continuations() {
    for part in [[], [UInt8](Raw.field("a", "b"))] {
      let raw = Self.server()
      raw.give(Raw.headers(1, goesOn: true))
      for _ in 0..<4 { raw.give(Raw.continuation(1, part, goesOn: true)) }
      #expect(raw.peer.end == nil)
      raw.give(Raw.continuation(1, part, goesOn: true))
      Self.expectCalm(raw, "4 CONTINUATION frames")
    }
    // The usual bound is above what a head within its bound needs.
    let raw = RawPeer(.server)
    raw.give(Raw.headers(1, goesOn: true))
    for _ in 0..<30 { raw.give(Raw.continuation(1, Raw.field("a", "b"), goesOn: true)) }
    raw.give(Raw.continuation(1, []))
    #expect(raw.peer.opened.first?.recorder.head?.count == 34)
  }

  @Test("A peer that asks and does not read the answers is sent away before they become many")
  func unread() {
    for frame in [Raw.ping(), Raw.settings()] {
      let raw = Self.server()
      // Nothing is taken from the session meanwhile, as when the socket is full.
      for _ in 0..<15 { raw.peer.give(frame) }
      #expect(raw.peer.end == nil)
      raw.peer.give(frame)
      raw.take()
      Self.expectCalm(raw, "15 answers")
    }
  }

  @Test("A peer that moves data may ping beside each frame, and one that gets data may update windows beside each")
  func useful() {
    let raw = Self.server()
    raw.give(Raw.headers(1))
    for _ in 0..<1_000 { raw.give(Raw.data(1, [1]) + Raw.ping()) }
    #expect(raw.peer.end == nil)
    let stream = raw.peer.opened[0].stream
    stream.send(head: .response(status: 200))
    for _ in 0..<1_000 {
      stream.send([1, 2, 3])
      raw.take()
      raw.give(Raw.window(1, 3) + Raw.window(0, 3))
    }
    #expect(raw.peer.end == nil && raw.peer.session.floods.count(of: .windowUpdate) == 2_000)
  }

  @Test("A bucket fills with time, never beyond its size, and never overflows")
  func buckets() {
    var limits = HTTP2FloodGuard.Limits()
    limits[.ping] = .init(burst: 3, perSecond: 2)
    limits[.reset] = .init(burst: 1_000_000_000, perSecond: 1_000_000_000)
    limits[.priority] = .init(burst: 1, perSecond: 0)
    var floods = HTTP2FloodGuard(limits)
    func note(_ act: HTTP2FloodGuard.Act, _ time: Int64) -> Bool {
      floods.note(act, at: MonotonicTime(nanoseconds: time)) == nil
    }
    #expect((0..<4).map { _ in note(.ping, 5) } == [true, true, true, false])
    #expect(!note(.ping, 5 + Self.second / 2 - 1) && note(.ping, 5 + Self.second / 2))
    #expect((0..<4).map { _ in note(.ping, .max) } == [true, true, true, false])
    // Time that goes back gives nothing and takes nothing.
    #expect(!note(.ping, 0))
    floods.excuse(.ping, count: 2)
    #expect(note(.ping, 0) && note(.ping, 0) && !note(.ping, 0))
    #expect(note(.reset, 0) && note(.reset, .max) && note(.reset, .max))
    #expect(note(.priority, 0) && !note(.priority, .max))
    #expect(floods.count(of: .ping) == 14 && floods.count(of: .mistake) == 0)
  }

  @Test("Bytes of frames that are changed at random never crash a session, and each stream is closed once")
  func mutations() {
    var random = SeededGenerator()
    let seed = random.description
    let parts: [[UInt8]] = [
      Raw.headers(1), Raw.headers(3, goesOn: true), Raw.continuation(3, []), Raw.data(1, [1, 2, 3]),
      Raw.data(3, [1], end: true),
      Raw.reset(1), Raw.window(0, 100), Raw.window(3, 100), Raw.settings([(4, 100), (5, 20_000)]), Raw.settingsAnswer,
      Raw.ping(), Raw.ping(1), Raw.priority(5, on: 3), Raw.goAway(0), Raw.frame(77, [1, 2]), Raw.headers(5, end: true),
      Raw.frame(5, flags: 4, stream: 1, Raw.word(2) + Raw.request), Raw.headers(1, Raw.response),
      Raw.headers(1, Raw.field("grpc-status", "0"), end: true),
    ]
    var ended = 0
    for round in 0..<3_000 {
      let role: HTTP2Session.Role = round % 2 == 0 ? .server : .client
      let raw = RawPeer(role)
      let recorder = StreamRecorder()
      if role == .client { _ = try? raw.peer.session.open(.post, handler: recorder) }
      raw.peer.makeRecorder = { stream, _ in
        let recorder = StreamRecorder()
        recorder.onEnd = {
          $0.send(head: .response(status: 200))
          $0.send([1, 2, 3])
          $0.end(trailers: ["a": "b"])
        }
        return recorder
      }
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...12, using: &random) { bytes += parts.randomElement(using: &random)! }
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      while !bytes.isEmpty {
        let count = Int.random(in: 1...bytes.count, using: &random)
        raw.give(Array(bytes.prefix(count)))
        bytes.removeFirst(count)
      }
      if raw.peer.session.isEnded { ended += 1 }
      raw.peer.session.close()
      #expect(raw.peer.end != nil && (role == .server || recorder.end != nil), "\(seed)")
      for (stream, recorder) in raw.peer.opened { #expect(recorder.end != nil && !stream.isOpen, "\(seed)") }
    }
    #expect(ended > 100 && ended < 2_900, "\(seed): both kinds are seen")
  }
}
