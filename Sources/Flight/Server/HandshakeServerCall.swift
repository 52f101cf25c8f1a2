import Base
import Networking

/// The server's end of a Handshake: user and password go in, a token comes out.
///
/// Clients have two ways. They send user and password in the head (`authorization: Basic`) and read the token from the
/// answer's head; or they send a ``BasicAuth`` in a message, and read the token from one.
final class HandshakeServerCall: GRPCServerCall, @unchecked Sendable {
  private let authenticator: any FlightAuthenticator
  private let metadata: GRPCMetadata
  private var isAnswered = false

  init(
    _ connection: HTTP2Connection, _ stream: HTTP2Stream, _ authenticator: any FlightAuthenticator,
    _ metadata: GRPCMetadata, encoding: String?
  ) {
    self.authenticator = authenticator
    self.metadata = metadata
    super.init(connection, stream, intake: .small(GRPCMessageDecoder(limit: Self.limit, encoding: encoding)))
  }

  /// Bytes of a message: a name and a password.
  private static let limit = 64 << 10

  /// Looks at what the head says.
  override func begin() {
    do throws(GRPCStatus) {
      guard case .basic(let user, let password) = try FlightCredentials.of(metadata) else { return }
      let token = try token(user, password)
      do throws(Failure) {
        try headMetadata.add(FlightCredentials.metadataName, FlightCredentials.bearer(token).authorization)
      } catch {
        throw GRPCStatus(.internal, "the token cannot be sent: \(error.message)")
      }
      isAnswered = true
      sendHead()
    } catch {
      end(error)
    }
  }

  private func token(_ user: String, _ password: String) throws(GRPCStatus) -> String {
    guard let token = authenticator.token(user: user, password: password) else {
      throw GRPCStatus(.unauthenticated, "there is no user '\(user)' with that password")
    }
    return token
  }

  override func received(_ message: GRPCIntake.Message) {
    guard case .small(let bytes) = message else { return }
    do throws(GRPCStatus) {
      let payload: [UInt8]
      let auth: BasicAuth
      do throws(Failure) {
        payload = try HandshakeRequest(protobuf: bytes).payload
        // Clients that have sent all in the head send an empty message, or none.
        guard !(isAnswered && payload.isEmpty) else { return }
        auth = try BasicAuth(protobuf: payload)
      } catch {
        throw GRPCStatus(.invalidArgument, error.message)
      }
      let token = try token(auth.username, auth.password)
      isAnswered = true
      let answer = HandshakeResponse(protocolVersion: 0, payload: Array(token.utf8))
      append { GRPCMessages.append(answer, to: &$0) }
    } catch {
      end(error)
    }
  }

  override func receivedLast() {
    guard isAnswered else {
      return end(
        GRPCStatus(.unauthenticated, "neither the head nor a message of the handshake has a user and a password"))
    }
    end(.ok)
  }
}
