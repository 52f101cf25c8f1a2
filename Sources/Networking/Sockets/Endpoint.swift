import Base

/// A host, by name or by address in digits, and a port: what people write.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// Without the brackets of an IPv6 address. Empty or `*`: all addresses of this machine, for those who listen.
  public var host: String
  /// 0: a free one, for those who listen.
  public var port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `*:PORT`.
  public init(parsing text: String) throws(Failure) {
    let wrong = Failure(
      .usage, "'\(text)' is not an address: expected HOST:PORT, such as localhost:50051, 10.0.0.1:50051 or [::1]:50051")
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      text[text.index(after: colon)...].utf8.first != UInt8(ascii: "+")
    else { throw wrong }
    var host = text[..<colon]
    if host.first == "[" {
      guard host.last == "]", host.count > 2 else { throw wrong }
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { throw wrong }
    } else if host.contains(":") {
      throw wrong
    }
    // What is neither in a name nor in an address, and what would end the text for C.
    guard !host.utf8.contains(where: { $0 <= UInt8(ascii: " ") || $0 == 0x7F || $0 == UInt8(ascii: "/") }) else {
      throw wrong
    }
    self.init(host: String(host), port: port)
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
