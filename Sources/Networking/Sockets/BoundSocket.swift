import Base
import Glibc

/// A socket that listens, on its way into a loop.
struct BoundSocket: Sendable {
  let descriptor: Int32
  let address: SocketAddress
  /// Another process listens at it too, also when this one no longer does.
  var isShared = false

  func drop() { close(descriptor) }

  /// A socket that somebody else opened. Closed on failure.
  static func inherit(_ descriptor: Int32) throws(Failure) -> BoundSocket {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) >= 0,
      fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0, let address = SocketCalls.ownAddress(descriptor)
    else {
      let code = errno
      close(descriptor)
      throw Failure(
        .software,
        "descriptor \(descriptor), where this process is to listen, is no socket of its own: \(systemText(code))")
    }
    return BoundSocket(descriptor: descriptor, address: address, isShared: true)
  }

  /// Listens at all of the endpoints, each with all addresses of its name, or fails. Blocks while names are looked up.
  static func bind(_ endpoints: [Endpoint], backlog: Int32) throws(Failure) -> [BoundSocket] {
    precondition(!endpoints.isEmpty, "a listener listens somewhere")
    var bound: [BoundSocket] = []
    do throws(Failure) {
      for endpoint in endpoints { bound += try bind(endpoint, backlog) }
    } catch {
      for socket in bound { socket.drop() }
      throw error
    }
    return bound
  }

  private static func bind(_ endpoint: Endpoint, _ backlog: Int32) throws(Failure) -> [BoundSocket] {
    guard !endpoint.host.isEmpty, endpoint.host != "*" else { return [try bindAll(endpoint, backlog)] }
    let addresses: [SocketAddress]
    if let address = SocketAddress(digits: endpoint.host, port: endpoint.port) {
      addresses = [address]
    } else {
      addresses = try NameResolver.askSystem(endpoint.host, port: endpoint.port, flags: AI_PASSIVE)
    }
    // Port 0 gives one port for all addresses of a name: the first one's, which another process may have at the second.
    for attempt in 1...attempts {
      switch bind(endpoint, addresses, backlog) {
      case .success(let bound): return bound
      case .failure(let refusal):
        if endpoint.port != 0 || refusal.code != EADDRINUSE || attempt == attempts { throw refusal.failure(endpoint) }
      }
    }
    preconditionFailure("the last attempt returns or throws")
  }

  private static let attempts = 20

  private struct Refusal: Error {
    var address: SocketAddress
    var code: Int32

    func failure(_ endpoint: Endpoint) -> Failure {
      switch code {
      case EADDRINUSE:
        Failure(
          .unavailable, retryable: true,
          "\(address) cannot be listened at: another process does already; choose another port or stop that one")
      case EACCES:
        Failure(
          .usage, "\(address) cannot be listened at: ports below 1024 need a right of their own; choose another port")
      case EADDRNOTAVAIL:
        Failure(.usage, "\(address) cannot be listened at: it is no address of this machine; correct the address")
      default: Failure(.io, "\(address) cannot be listened at: \(systemText(code))")
      }
    }
  }

  /// All addresses of this machine: of IPv6 and IPv4 with one socket, or of IPv4 where there is no IPv6.
  private static func bindAll(_ endpoint: Endpoint, _ backlog: Int32) throws(Failure) -> BoundSocket {
    let everywhere = SocketAddress(.v6(0, 0, scope: 0), port: endpoint.port)
    let result = listen(everywhere, backlog, onlyV6: false)
    if case .failure(let refusal) = result, [EAFNOSUPPORT, EADDRNOTAVAIL, EPROTONOSUPPORT].contains(refusal.code) {
      switch listen(SocketAddress(.v4(0), port: endpoint.port), backlog, onlyV6: false) {
      case .success(let bound): return bound
      case .failure(let refusal): throw refusal.failure(endpoint)
      }
    }
    switch result {
    case .success(let bound): return bound
    case .failure(let refusal): throw refusal.failure(endpoint)
    }
  }

  /// All of the addresses with one port. One that the machine does not have, such as IPv6's where that is off, is left out
  /// when there is another.
  private static func bind(
    _ endpoint: Endpoint, _ addresses: [SocketAddress], _ backlog: Int32
  ) -> Result<[BoundSocket], Refusal> {
    var bound: [BoundSocket] = []
    var missing: Refusal?
    for var address in addresses {
      if let first = bound.first { address.port = first.address.port }
      switch listen(address, backlog, onlyV6: true) {
      case .success(let socket): bound.append(socket)
      case .failure(let refusal) where [EADDRNOTAVAIL, EAFNOSUPPORT].contains(refusal.code): missing = refusal
      case .failure(let refusal):
        for socket in bound { socket.drop() }
        return .failure(refusal)
      }
    }
    if bound.isEmpty, let missing { return .failure(missing) }
    return .success(bound)
  }

  private static func listen(
    _ address: SocketAddress, _ backlog: Int32, onlyV6: Bool
  ) -> Result<BoundSocket, Refusal> {
    guard let made = SocketCalls.make(address.family) else { return .failure(Refusal(address: address, code: errno)) }
    // Ports of connections that ended a moment ago can be taken again; those of other listeners cannot.
    SocketCalls.set(made, SOL_SOCKET, SO_REUSEADDR, 1)
    if address.family == AF_INET6 { SocketCalls.set(made, Int32(IPPROTO_IPV6), IPV6_V6ONLY, onlyV6 ? 1 : 0) }
    guard address.withSockaddr({ Glibc.bind(made, $0, $1) }) == 0, Glibc.listen(made, backlog) == 0 else {
      let code = errno
      close(made)
      return .failure(Refusal(address: address, code: code))
    }
    return .success(BoundSocket(descriptor: made, address: SocketCalls.ownAddress(made) ?? address))
  }
}
