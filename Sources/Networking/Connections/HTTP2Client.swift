import Base

/// Opens connections of HTTP/2.
public enum HTTP2Client {
  /// Connects to a server. Requests may be made at once; they wait for the connection, and end with it if it does not come
  /// about. From any thread.
  ///
  /// - Parameters:
  ///   - tls: a client's; nil for bytes in the clear.
  ///   - serverName: what the server's certificate has to be for; nil: the endpoint's host.
  ///   - ready: is given the connection on the loop's thread, before it is there.
  ///   - onClosed: told on the loop, once, after all streams; nil when one side closed it as it should be.
  public static func connect(
    to endpoint: Endpoint, on loop: EventLoop, transport: ConnectionOptions = ConnectionOptions(),
    tls: TLSContext? = nil, serverName: String? = nil,
    options: HTTP2ConnectionOptions = HTTP2ConnectionOptions(), resolver: NameResolver = .system,
    ready: @escaping @Sendable (HTTP2Connection) -> Void,
    onClosed: @escaping @Sendable (HTTP2Connection, Failure?) -> Void = { _, _ in }
  ) {
    ByteChannel.connect(
      to: endpoint, on: loop, options: transport, tls: tls, serverName: serverName, resolver: resolver
    ) { channel in
      let connection = HTTP2Connection(channel, .client, options: options, requests: nil, onClosed: onClosed)
      ready(connection)
      return connection
    }
  }
}
