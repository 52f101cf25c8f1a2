import Base
import Networking

/// Answers about a job's health over HTTP/1.1, on a thread of its own, as long as it is not stopped.
final class HealthServer: Sendable {
  private let group: EventLoopGroup
  private let listener: Listener
  private let connections: Monitor<Connections>

  struct Connections {
    /// Those that have no answer yet, though they have asked or are new.
    var waiting = 0
    /// No more are accepted.
    var isClosing = false
  }

  /// - Parameter descriptor: of a socket that listens; from now on the server's.
  init(_ descriptor: Int32, _ service: HealthService) throws(Failure) {
    let connections = Monitor(Connections())
    self.connections = connections
    group = try EventLoopGroup(name: "health", count: 1)
    var options = ListenerOptions()
    // More than are kept, so that there is room for the one that another one makes room for.
    options.connectionLimit = 2 * HealthPeers.limit
    options.connection.lowOutput = 64 * 1024
    let peers = HealthPeers()
    listener = try Listener(
      inheriting: descriptor, on: group, options: options,
      // Who asks too much is refused, which is no matter of the job's.
      report: { _ in },
      handler: { channel in HealthConnection(channel, service, connections, peers) })
  }

  /// How long those that wait when it stops have to get their answers.
  private static let grace: Int64 = 200_000_000

  /// Accepts nobody any more and returns when those who have asked have their answers, or soon: whoever connects from now on waits
  /// for the next server of the socket, if there is one.
  func stop() {
    listener.close()
    let closes = group.loops[0].execute { [connections] in
      connections.withLock { $0.isClosing = true }
      connections.broadcast()
    }
    if closes {
      let deadline = MonotonicTime.now + Self.grace
      _ = connections.wait(until: deadline) { $0.isClosing && $0.waiting == 0 ? () : nil }
    }
    group.stop()
  }
}
