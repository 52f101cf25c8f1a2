import Base
import Glibc

/// The sentences for what sockets report. `peer` names the other side, such as `localhost:80 (127.0.0.1:80)`.
enum SocketFailure {
  /// A connection that was open and is not any more.
  static func lost(_ peer: String, _ code: Int32) -> Failure {
    let found: String
    switch code {
    case ECONNRESET, EPIPE:
      found = "was reset by the peer (\(systemText(code))); look for the reason in the peer's log"
    case ETIMEDOUT:
      found =
        "is lost: the peer has not answered for too long (\(systemText(code))); check that it runs and the network"
    default: found = "is lost (\(systemText(code))); check the network and the peer"
    }
    return Failure(.io, retryable: true, "the connection with \(peer) \(found)")
  }

  /// An address that could not be connected to, without the name that led to it.
  static func refusal(_ code: Int32) -> String {
    switch code {
    case ECONNREFUSED: "nothing listens there (\(systemText(code)))"
    case EHOSTUNREACH, ENETUNREACH: "there is no way to it (\(systemText(code)))"
    case EMFILE, ENFILE: "there are too many open files here (\(systemText(code))); raise the limit (ulimit -n)"
    case ETIMEDOUT: "it did not answer in time"
    default: systemText(code)
    }
  }

  /// None of the addresses of `target` could be connected to.
  static func unreachable(_ target: String, _ tried: [String]) -> Failure {
    Failure(
      .io, retryable: true,
      "no connection to \(target): \(tried.joined(separator: "; ")); check the address and that its server runs")
  }

  static func loopEnded(_ peer: String, _ loop: String) -> Failure {
    Failure(.io, retryable: true, "the connection with \(peer) ends because the event loop '\(loop)' stops")
  }
}
