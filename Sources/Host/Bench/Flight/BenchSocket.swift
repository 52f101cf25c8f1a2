import Base
import CPlatform
import Glibc

/// Bare sockets over the loopback, which block unless their user changes that.
enum BenchSocket {
  static var reason: String { String(cString: strerror(errno)) }

  /// A listener at a free port of 127.0.0.1.
  static func listen() throws(Failure) -> (descriptor: Int32, port: UInt16) {
    let descriptor = try make()
    var port: UInt16 = 0
    let isListening = withLoopback(port: 0) { address, length in
      guard bind(descriptor, address, length) == 0, Glibc.listen(descriptor, 16) == 0 else { return false }
      var length = length
      return getsockname(descriptor, address, &length) == 0
    } then: {
      port = UInt16(bigEndian: $0.sin_port)
    }
    guard isListening else { throw Failure(.io, "cannot listen at 127.0.0.1: \(reason)") }
    return (descriptor, port)
  }

  static func connect(_ port: UInt16) throws(Failure) -> Int32 {
    let descriptor = try make()
    let isConnected = withLoopback(port: port) { address, length in Glibc.connect(descriptor, address, length) == 0 }
    guard isConnected else { throw Failure(.io, "cannot connect to 127.0.0.1:\(port): \(reason)") }
    sendAtOnce(descriptor)
    return descriptor
  }

  /// The next connection, at a listener that is good: who cannot be accepted is gone, and the next one is waited for.
  static func accept(_ listener: Int32) -> Int32 {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else { continue }
      sendAtOnce(descriptor)
      return descriptor
    }
  }

  /// - Returns: whether the kernel has it (tcp(7), TCP_CONGESTION).
  static func setCongestionControl(_ descriptor: Int32, _ name: String) -> Bool {
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count)) == 0
  }

  static func congestionControl(_ descriptor: Int32) -> String? {
    var name = [UInt8](repeating: 0, count: 16)  // TCP_CA_NAME_MAX
    var length = socklen_t(name.count)
    guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// - Returns: whether all of the bytes were taken by the kernel.
  static func sendAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var left = bytes
    while !left.isEmpty {
      let count = send(descriptor, left.baseAddress, left.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      left = UnsafeRawBufferPointer(rebasing: left.dropFirst(count))
    }
    return true
  }

  static func sendNumber(_ number: Int, to descriptor: Int32) -> Bool {
    withUnsafeBytes(of: number) { sendAll($0, to: descriptor) }
  }

  /// nil at the connection's end.
  static func receiveNumber(_ descriptor: Int32) -> Int? {
    var number = 0
    let count = withUnsafeMutableBytes(of: &number) {
      recv(descriptor, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_WAITALL))
    }
    return count == MemoryLayout<Int>.size ? number : nil
  }

  private static func make() throws(Failure) -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(.io, "no socket: \(reason)") }
    return descriptor
  }

  private static func sendAtOnce(_ descriptor: Int32) {
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func withLoopback(
    port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Bool, then: (sockaddr_in) -> Void = { _ in }
  ) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isDone = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    then(address)
    return isDone
  }
}
