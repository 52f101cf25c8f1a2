import Base
import Glibc

/// An address of IPv4 or IPv6 with a port of TCP.
public struct SocketAddress: Sendable, Hashable {
  enum Address: Sendable, Hashable {
    /// As a number: 127.0.0.1 is 0x7F000001.
    case v4(UInt32)
    /// The first and the last eight bytes as numbers, and the scope of a link-local address, else 0.
    case v6(UInt64, UInt64, scope: UInt32)
  }

  var address: Address
  public var port: UInt16

  init(_ address: Address, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Reads an address in digits, such as `127.0.0.1` or `::1`, with a scope where there is one (`fe80::1%eth0`); nil for all other text,
  /// names among it.
  public init?(digits text: String, port: UInt16) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    // In digits only: this does not wait for anybody.
    guard text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }),
      getaddrinfo(text, nil, &hints, &found) == 0, let first = found
    else { return nil }
    defer { freeaddrinfo(first) }
    guard let address = first.pointee.ai_addr else { return nil }
    self.init(address, first.pointee.ai_addrlen)
    self.port = port
  }

  /// Reads a `sockaddr` of a family that is known here; nil for another one.
  init?(_ pointer: UnsafePointer<sockaddr>, _ length: socklen_t) {
    let raw = UnsafeRawPointer(pointer)
    switch Int32(pointer.pointee.sa_family) {
    case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
      let found = raw.loadUnaligned(as: sockaddr_in.self)
      self.init(.v4(UInt32(bigEndian: found.sin_addr.s_addr)), port: UInt16(bigEndian: found.sin_port))
    case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
      let found = raw.loadUnaligned(as: sockaddr_in6.self)
      let (high, low) = withUnsafeBytes(of: found.sin6_addr) {
        ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
      self.init(
        .v6(UInt64(bigEndian: high), UInt64(bigEndian: low), scope: found.sin6_scope_id),
        port: UInt16(bigEndian: found.sin6_port))
    default: return nil
    }
  }

  /// AF_INET or AF_INET6.
  var family: Int32 {
    switch address {
    case .v4: AF_INET
    case .v6: AF_INET6
    }
  }

  /// Whether it is one of this machine's own, which no network knows (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3).
  var isLoopback: Bool {
    switch address {
    case .v4(let number): number >> 24 == 127
    case .v6(0, let low, _): low == 1 || low >> 24 == 0xFFFF_7F
    case .v6: false
    }
  }

  /// Calls `body` with the address as the kernel takes it.
  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    switch address {
    case .v4(let number):
      var made = sockaddr_in()
      made.sin_family = sa_family_t(AF_INET)
      made.sin_port = port.bigEndian
      made.sin_addr.s_addr = number.bigEndian
      return withUnsafeBytes(of: made) { Self.call($0, body) }
    case .v6(let high, let low, let scope):
      var made = sockaddr_in6()
      made.sin6_family = sa_family_t(AF_INET6)
      made.sin6_port = port.bigEndian
      made.sin6_scope_id = scope
      withUnsafeMutableBytes(of: &made.sin6_addr) {
        $0.storeBytes(of: high.bigEndian, as: UInt64.self)
        $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      return withUnsafeBytes(of: made) { Self.call($0, body) }
    }
  }

  private static func call<Result>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    guard let base = bytes.baseAddress else { preconditionFailure("an address has bytes") }
    return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
  }
}

extension SocketAddress: CustomStringConvertible {
  /// The address in digits, without the port; one of IPv4 in IPv6 (RFC 4291, section 2.5.5.2) as IPv4.
  public var host: String {
    if case .v6(0, let low, _) = address, low >> 32 == 0xFFFF {
      return SocketAddress(.v4(UInt32(truncatingIfNeeded: low)), port: port).host
    }
    return withSockaddr { pointer, length in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text in
        guard let base = text.baseAddress,
          getnameinfo(pointer, length, base, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        else { return "an unknown address" }
        return String(cString: base)
      }
    }
  }

  /// `127.0.0.1:80`, `[::1]:80`.
  public var description: String { Endpoint(host: host, port: port).description }
}
