import Base
import CPlatform
import Glibc
import Observability

/// The socket on which a job is asked about its health: opened once by the supervisor and inherited by every worker, so that nobody else
/// can take the port between two of them. Whoever connects while nobody answers waits in the socket's queue.
final class HealthPort: Sendable {
  /// Listens. Open over exec.
  let descriptor: Int32
  let port: UInt16

  /// Connections that may wait for an answer.
  private static let queueLength: Int32 = 128

  /// Listens on all addresses of this machine; nil when that is not wanted, or not possible on a port that nobody asked for, which is
  /// told.
  ///
  /// - Throws: `unavailable` when the port that the user named cannot be had.
  static func open(_ options: HealthOptions, log: EventLog) throws(Failure) -> HealthPort? {
    if options.port == 0 { return nil }
    let (descriptor, problem) = listen(on: options.port)
    if descriptor >= 0 {
      log.info(
        "health.listening", "answers on port \(options.port): \(HealthService.paths.joined(separator: ", "))",
        ["port": .int(Int(options.port))])
      return HealthPort(descriptor: descriptor, port: options.port)
    }
    let found = problem == EADDRINUSE ? "another process listens there" : systemError(problem)
    if options.isGiven {
      throw Failure(
        .unavailable,
        "--health-port (or VOLLEY_HEALTH_PORT) is \(options.port), on which this machine does not let one listen: \(found); give "
          + "another port, or 0 to run without")
    }
    log.warning(
      "health.unavailable",
      "runs without /healthz, /readyz and /metrics, as port \(options.port) cannot be had: \(found); give another by --health-port, or 0",
      ["port": .int(Int(options.port)), "reason": .string(found)])
    return nil
  }

  private init(descriptor: Int32, port: UInt16) {
    self.descriptor = descriptor
    self.port = port
  }

  /// Another descriptor of the socket, for a server in this process, which closes it.
  func duplicate() throws(Failure) -> Int32 {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else {
      throw Failure(.software, "the socket for questions about health cannot be used: \(systemError(errno))")
    }
    return copy
  }

  /// The port is free then, once no worker has it either.
  func close() { Glibc.close(descriptor) }

  /// A descriptor, or -1 and errno.
  private static func listen(on port: UInt16) -> (descriptor: Int32, problem: Int32) {
    // IPv6's socket takes connections of both, where there is IPv6.
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    if descriptor < 0 {
      guard errno == EAFNOSUPPORT else { return (-1, errno) }
      return listenOnIPv4(port)
    }
    set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    let bound = bindAndListen(descriptor, &address, MemoryLayout<sockaddr_in6>.size)
    // IPv6 may be there and switched off.
    return bound.problem == EADDRNOTAVAIL ? listenOnIPv4(port) : bound
  }

  private static func listenOnIPv4(_ port: UInt16) -> (descriptor: Int32, problem: Int32) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if descriptor < 0 { return (-1, errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    return bindAndListen(descriptor, &address, MemoryLayout<sockaddr_in>.size)
  }

  /// - Parameter address: of a type that begins as `sockaddr` does.
  private static func bindAndListen(
    _ descriptor: Int32, _ address: UnsafeMutableRawPointer, _ size: Int
  ) -> (descriptor: Int32, problem: Int32) {
    // Connections of a run before this one may linger.
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    let general = UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self)
    if bind(descriptor, general, socklen_t(size)) == 0, Glibc.listen(descriptor, queueLength) == 0 {
      return (descriptor, 0)
    }
    let problem = errno
    Glibc.close(descriptor)
    return (-1, problem)
  }

  /// What is refused leaves the socket as it was, which the bind tells of where it matters.
  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
