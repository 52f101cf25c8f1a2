/// How a listener takes connections.
public struct ListenerOptions: Sendable {
  /// Of each connection.
  public var connection = ConnectionOptions()
  /// Connections that are open at a time; one more is accepted and reset, and reported. No more than half of the files that
  /// this process may open, so that strangers do not take them all.
  public var connectionLimit = min(10_000, max(16, SocketCalls.openFileLimit / 2))
  /// Connections that the kernel keeps until they are accepted (listen(2)); it cuts it to net.core.somaxconn.
  public var backlog: Int32 = 4_096

  public init() {}
}
