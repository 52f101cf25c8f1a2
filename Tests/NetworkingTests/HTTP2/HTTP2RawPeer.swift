import Base
import Testing

@testable import Networking

/// Frames written by hand.
enum Raw {
  static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), type, flags]
      + word(stream) + payload
  }

  static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  static func settings(_ values: [(UInt16, UInt32)] = []) -> [UInt8] {
    frame(4, values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + word($0.1) })
  }

  static let settingsAnswer = frame(4, flags: 1)

  static func data(_ stream: UInt32, _ bytes: [UInt8] = [], end: Bool = false) -> [UInt8] {
    frame(0, flags: end ? 1 : 0, stream: stream, bytes)
  }

  /// HEADERS with END_HEADERS, unless it goes on.
  static func headers(_ stream: UInt32, _ block: [UInt8] = request, end: Bool = false, goesOn: Bool = false) -> [UInt8]
  {
    frame(1, flags: (end ? 1 : 0) | (goesOn ? 0 : 4), stream: stream, block)
  }

  static func continuation(_ stream: UInt32, _ block: [UInt8], goesOn: Bool = false) -> [UInt8] {
    frame(9, flags: goesOn ? 0 : 4, stream: stream, block)
  }

  static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, stream: stream, word(code)) }
  static func window(_ stream: UInt32, _ increment: UInt32) -> [UInt8] { frame(8, stream: stream, word(increment)) }
  static func priority(_ stream: UInt32, on other: UInt32 = 0) -> [UInt8] {
    frame(2, stream: stream, word(other) + [15])
  }
  static func ping(_ flags: UInt8 = 0) -> [UInt8] { frame(6, flags: flags, [1, 2, 3, 4, 5, 6, 7, 8]) }
  static func goAway(_ last: UInt32, _ code: UInt32 = 0) -> [UInt8] { frame(7, word(last) + word(code)) }

  /// A field without indexing, its name in full: RFC 7541 section 6.2.2.
  static func field(_ name: String, _ value: String) -> [UInt8] {
    [0] + text(name) + text(value)
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var length: [UInt8] = [127]
    var rest = bytes.count - 127
    while rest >= 128 {
      length.append(UInt8(rest % 128 + 128))
      rest /= 128
    }
    return length + [UInt8(rest)] + bytes
  }

  /// `:method: GET`, `:scheme: http`, `:path: /` from the static table (RFC 7541 appendix A), and an authority.
  static let request: [UInt8] = [0x82, 0x86, 0x84] + field(":authority", "v")
  /// `:status: 200`.
  static let response: [UInt8] = [0x88]

  static func magic() -> [UInt8] { Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) }
}

/// A session whose peer is a test that writes its frames by hand.
final class RawPeer {
  struct Frame: Equatable, CustomStringConvertible {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    /// The code of RST_STREAM and GOAWAY.
    var code: HTTP2ErrorCode? {
      let bytes = type == 3 ? payload[...] : type == 7 ? payload.dropFirst(4) : []
      return bytes.count < 4 ? nil : HTTP2ErrorCode(rawValue: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
    }

    var description: String {
      "type \(type) flags \(flags) stream \(stream) \(code.map { "\($0)" } ?? "\(payload.count) B")"
    }
  }

  let peer: SessionPeer
  /// What the session sent.
  private(set) var frames: [Frame] = []
  private var rest: [UInt8] = []

  /// - Parameter greets: whether both sides' SETTINGS are exchanged first.
  init(_ role: HTTP2Session.Role, _ options: HTTP2Options = HTTP2Options(), greets: Bool = true) {
    peer = SessionPeer(role, options)
    guard greets else { return }
    give((role == .server ? Raw.magic() : []) + Raw.settings() + Raw.settingsAnswer)
    #expect(frames.count(where: { $0.type == 4 }) == 2)
    frames = []
  }

  func give(_ bytes: [UInt8], at now: Int64 = 0) {
    peer.give(bytes, at: now)
    take()
  }

  func take() {
    rest += peer.take()
    if rest.starts(with: Raw.magic()) { rest.removeFirst(24) }
    while rest.count >= 9 {
      let length = rest[..<3].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= 9 + length else { break }
      frames.append(
        Frame(
          type: rest[3], flags: rest[4], stream: rest[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
          payload: Array(rest[9..<(9 + length)])))
      rest.removeFirst(9 + length)
    }
  }

  func clear() { frames = [] }

  /// The code with which the session ended the connection.
  var goAway: HTTP2ErrorCode? { frames.last { $0.type == 7 }?.code }

  /// The code with which the session gave the stream up.
  func reset(_ stream: UInt32) -> HTTP2ErrorCode? { frames.last { $0.type == 3 && $0.stream == stream }?.code }
}
