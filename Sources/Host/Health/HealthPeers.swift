import Base

/// The connections on which health is asked. With too many, the one goes of which nothing has come for longest: whoever asks is
/// answered, however many are open that ask nothing.
///
/// Belongs to the one loop of its server, which is what makes it `Sendable`.
final class HealthPeers: @unchecked Sendable {
  /// Connections that are kept.
  static let limit = 256

  private var connections: [ObjectIdentifier: HealthConnection] = [:]

  func add(_ connection: HealthConnection) {
    if connections.count >= Self.limit {
      connections.values.min { $0.lastHeard < $1.lastHeard }?.makeRoom()
    }
    connections[ObjectIdentifier(connection)] = connection
  }

  func remove(_ connection: HealthConnection) { connections[ObjectIdentifier(connection)] = nil }
}
