import Base

/// Listens for clients of HTTP/2: in the clear, where they know beforehand what is spoken (RFC 9113, section 3.3), or with TLS.
public final class HTTP2Server: Sendable {
  private let listener: Listener
  private let connections: OpenConnections

  /// Listens at all of the endpoints, or fails. May block while names are looked up, so not on a loop's thread.
  ///
  /// - Parameters:
  ///   - tls: a server's; nil for bytes in the clear.
  ///   - report: is told, on a loop's thread, of connections that failed, and at most once a second of those that are
  ///     refused.
  ///   - requests: gets the requests, on each connection's loop.
  public init(
    at endpoints: [Endpoint], on group: EventLoopGroup, listener options: ListenerOptions = ListenerOptions(),
    tls: TLSContext? = nil, connection: HTTP2ConnectionOptions = HTTP2ConnectionOptions(),
    report: @escaping @Sendable (Failure) -> Void, requests: any HTTP2RequestHandler
  ) throws(Failure) {
    let connections = OpenConnections()
    self.connections = connections
    listener = try Listener(at: endpoints, on: group, options: options, tls: tls, report: report) { channel in
      let made = HTTP2Connection(channel, .server, options: connection, requests: requests) { connection, failure in
        connections.closed(connection)
        if let failure { report(failure) }
      }
      connections.opened(made)
      return made
    }
  }

  /// Where it listens, with the port that it was given where 0 was asked for.
  public var addresses: [SocketAddress] { listener.addresses }

  /// Connections that are open now.
  public var connectionCount: Int { connections.count }

  /// Calls `body` for each connection, on its loop. From any thread; returns at once.
  public func forEachConnection(_ body: @escaping @Sendable (HTTP2Connection) -> Void) { connections.forEach(body) }

  /// Stops listening, lets requests that are under way end for so long, and then ends what is left. From any thread; returns
  /// at once.
  ///
  /// - Parameter whenDone: called once, on any thread, when no connection is open.
  public func stop(within limit: Duration = .seconds(5), whenDone: @escaping @Sendable () -> Void = {}) {
    listener.close()
    // After the listener's sockets are closed, so that whoever is told may listen at the same port.
    let isRunning = listener.loop.execute { [self] in end(within: limit, whenDone) }
    if !isRunning { end(within: limit, whenDone) }
  }

  private func end(within limit: Duration, _ whenDone: @escaping @Sendable () -> Void) {
    connections.end(whenEmpty: whenDone) { connection in
      connection.drain()
      // One that is gone by then is not hurt.
      connection.loop.schedule(after: limit) {
        connection.close(.noError, Failure(.unavailable, retryable: true, "the server has ended"))
      }
    }
  }
}
