import Base

/// What is known of a call.
public struct FlightCallContext: Sendable {
  public var method: FlightMethod
  /// Who is at the other end of the connection, for messages.
  public var peerName: String
  /// Who calls, as a server's ``FlightAuthenticator`` knows him; nil without one, and on a client.
  public var identity: String?
  /// What the client sent with the call.
  public var metadata: GRPCMetadata
  /// When the call has to be over, on this machine's clock; nil: whenever.
  public var deadline: MonotonicTime?

  public init(
    _ method: FlightMethod, peerName: String, identity: String? = nil, metadata: GRPCMetadata = GRPCMetadata(),
    deadline: MonotonicTime? = nil
  ) {
    self.method = method
    self.peerName = peerName
    self.identity = identity
    self.metadata = metadata
    self.deadline = deadline
  }
}
