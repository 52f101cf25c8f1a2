import Base
import Glibc

/// Calls of the kernel on sockets.
enum SocketCalls {
  /// A TCP socket that does not block and is closed on exec; nil with errno.
  static func make(_ family: Int32) -> Int32? {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let made = socket(family, kind, Int32(IPPROTO_TCP))
    return made >= 0 ? made : nil
  }

  /// Sets an option that is a number. Returns whether the kernel took it.
  @discardableResult
  static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
    var value = value
    return setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
  }

  /// Takes the error that waits at a socket: 0 when there is none.
  static func takeError(_ descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
    return code
  }

  /// Bytes that were sent to a peer and that it has not acknowledged, or that wait in the kernel for its window (tcp(7),
  /// SIOCOUTQ); 0 for a socket that is none.
  static func unacknowledgedBytes(_ descriptor: Int32) -> Int {
    var count: Int32 = 0
    return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
  }

  /// What the kernel knows of a connection; nil with errno.
  static func state(_ descriptor: Int32) -> tcp_info? {
    var info = tcp_info()
    var length = socklen_t(MemoryLayout<tcp_info>.size)
    return getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 ? info : nil
  }

  /// Chooses how a connection's congestion is controlled (tcp(7), TCP_CONGESTION). Returns whether the kernel took it.
  @discardableResult
  static func setCongestionControl(_ descriptor: Int32, _ name: String) -> Bool {
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count)) == 0
  }

  /// The name of a connection's congestion control; nil for a socket that is none.
  static func congestionControl(_ descriptor: Int32) -> String? {
    var name = [UInt8](repeating: 0, count: 16)  // TCP_CA_NAME_MAX
    var length = socklen_t(name.count)
    guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else { return nil }
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Files that this process may have open at a time.
  static var openFileLimit: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
    return Int(clamping: limit.rlim_cur)
  }

  /// Closes a connection so that the peer sees it reset, whatever waits in either direction.
  static func reset(_ descriptor: Int32) {
    var lingering = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
    close(descriptor)
  }

  /// The socket's own address.
  static func ownAddress(_ descriptor: Int32) -> SocketAddress? { address { getsockname(descriptor, $0, $1) } }

  /// The address of the socket's peer.
  static func peerAddress(_ descriptor: Int32) -> SocketAddress? { address { getpeername(descriptor, $0, $1) } }

  /// The address that a call fills in; nil when it fails or the family is unknown.
  static func address(
    _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        call($0, &length) >= 0 ? SocketAddress($0, length) : nil
      }
    }
  }
}
