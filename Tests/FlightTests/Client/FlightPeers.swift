import TestSupport

extension PeerProcess {
  /// Starts a program of Peers, and waits until it listens.
  static func python(_ name: String, _ arguments: String...) async throws -> PeerProcess {
    try await python(name, arguments: arguments)
  }

  static func python(_ name: String, arguments: [String]) async throws -> PeerProcess {
    try await python(script: "FlightTests/Peers/\(name)", arguments: arguments)
  }
}
