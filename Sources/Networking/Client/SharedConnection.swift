import Base

/// A client's one connection of HTTP/2 with a server: made when it is needed, and made again when the last one is over or takes
/// no more requests.
///
/// Everything but ``use(_:)`` and ``close()`` belongs to the loop's thread; that is what makes it `Sendable`.
public final class SharedConnection: @unchecked Sendable {
  /// How it connects.
  public struct Options: Sendable {
    public var transport = ConnectionOptions()
    /// A client's; nil for bytes in the clear.
    public var tls: TLSContext?
    /// What the server's certificate has to be for; nil: the endpoint's host.
    public var serverName: String?
    public var connection = HTTP2ConnectionOptions()

    public init() {}
  }

  public let loop: EventLoop
  public let endpoint: Endpoint
  private let options: Options
  private var current: HTTP2Connection?
  /// Who waits for the connection that is being made.
  private var waiting: [@Sendable (HTTP2Connection) -> Void] = []
  /// It was closed while somebody waits: they are served still.
  private var closesWhenMade = false

  public init(to endpoint: Endpoint, on loop: EventLoop, options: Options) {
    self.endpoint = endpoint
    self.loop = loop
    self.options = options
  }

  /// Lets requests that are under way end, and closes the connection. A later use makes a new one.
  public func close() {
    loop.execute { [self] in
      current?.drain()
      current = nil
      closesWhenMade = !waiting.isEmpty
    }
  }

  /// Calls `body` on the loop with a connection, which may still be under way: requests wait for it, and end with it if it
  /// does not come about. From any thread.
  ///
  /// - Returns: false when the loop has ended: then nothing is called.
  @discardableResult
  public func use(_ body: @escaping @Sendable (HTTP2Connection) -> Void) -> Bool {
    loop.execute { [self] in withConnection(body) }
  }

  private func withConnection(_ body: @escaping @Sendable (HTTP2Connection) -> Void) {
    if let current, current.takesRequests { return body(current) }
    current = nil
    waiting.append(body)
    guard waiting.count == 1 else { return }
    HTTP2Client.connect(
      to: endpoint, on: loop, transport: options.transport, tls: options.tls,
      serverName: options.serverName, options: options.connection,
      ready: { [self] connection in
        current = connection
        let waited = waiting
        waiting = []
        for body in waited { body(connection) }
        guard closesWhenMade else { return }
        closesWhenMade = false
        if current === connection { current = nil }
        connection.drain()
      },
      onClosed: { [self] connection, _ in
        if current === connection { current = nil }
      })
  }
}
