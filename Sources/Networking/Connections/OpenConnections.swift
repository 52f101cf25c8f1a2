import Base

/// The connections of a server that are open, so that they can be ended together.
final class OpenConnections: Sendable {
  private struct State {
    var connections: [ObjectIdentifier: HTTP2Connection] = [:]
    var isEnding = false
    var whenEmpty: (@Sendable () -> Void)?

    /// What is to be told, once, when nothing is open and nothing will be.
    mutating func takeWhenEmpty() -> (@Sendable () -> Void)? {
      guard isEnding, connections.isEmpty else { return nil }
      defer { whenEmpty = nil }
      return whenEmpty
    }
  }

  private let state = Monitor(State())

  var count: Int { state.withLock { $0.connections.count } }

  /// A connection was accepted. One that comes too late is drained at once.
  func opened(_ connection: HTTP2Connection) {
    let isLate = state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = connection
      return state.isEnding
    }
    if isLate { connection.execute { connection.drain() } }
  }

  func closed(_ connection: HTTP2Connection) {
    let told = state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
      return state.takeWhenEmpty()
    }
    told?()
  }

  /// Calls `body` for each on its loop; those that open later are drained.
  ///
  /// - Parameter whenEmpty: is called once, from any thread, when none is open any more.
  func end(whenEmpty: @escaping @Sendable () -> Void, _ body: @escaping @Sendable (HTTP2Connection) -> Void) {
    let (open, told) = state.withLock { state in
      state.isEnding = true
      state.whenEmpty = whenEmpty
      return (Array(state.connections.values), state.takeWhenEmpty())
    }
    told?()
    for connection in open { connection.execute { body(connection) } }
  }

  func forEach(_ body: @escaping @Sendable (HTTP2Connection) -> Void) {
    for connection in state.withLock({ Array($0.connections.values) }) { connection.execute { body(connection) } }
  }
}
