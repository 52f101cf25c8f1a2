/// How a listener takes connections.
public struct ListenerOptions: Sendable {
  /// Of each connection.
  public var connection = ConnectionOptions()
  /// Connections that are open at a time; one more is accepted and reset, and reported.
  public var connectionLimit = 10_000
  /// Connections that the kernel keeps until they are accepted (listen(2)); it cuts it to net.core.somaxconn.
  public var backlog: Int32 = 4_096

  public init() {}
}
