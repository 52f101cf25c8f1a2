import Arrow

/// What a caller shows to be let in: the value of the metadata `authorization`. Clients of Flight show a name and a
/// password in a handshake, whose answer's metadata has a token in the same place, and the token from then on.
/// Source: RFC 7617, RFC 6750 section 2.1
public enum FlightCredentials: Sendable, Hashable {
  /// The user's name has no colon.
  case basic(user: String, password: String)
  case bearer(String)

  /// The name of the metadata.
  public static let metadataName = "authorization"

  /// nil when the value is of another scheme, or damaged.
  public init?(authorization: String) {
    guard let space = authorization.utf8.firstIndex(of: 0x20) else { return nil }
    let rest = authorization[space...].drop { $0 == " " }
    switch authorization[..<space].lowercased() {
    case "bearer" where !rest.isEmpty: self = .bearer(String(rest))
    case "basic":
      guard let bytes = Base64.decode(rest), let colon = bytes.firstIndex(of: 0x3A),
        bytes.withUnsafeBytes({ Utf8.isValid($0) })
      else { return nil }
      self = .basic(
        user: String(decoding: bytes[..<colon], as: UTF8.self),
        password: String(decoding: bytes[(colon + 1)...], as: UTF8.self))
    default: return nil
    }
  }

  public var authorization: String {
    switch self {
    case .basic(let user, let password):
      precondition(!user.utf8.contains(0x3A), "a name that is shown with a password has no colon")
      return "Basic \(Base64.encode(Array("\(user):\(password)".utf8), padded: true))"
    case .bearer(let token): return "Bearer \(token)"
    }
  }
}

extension FlightCredentials: CustomStringConvertible {
  /// Without what is secret, so that no log tells it.
  public var description: String {
    switch self {
    case .basic(let user, _): "the user '\(user)' and a password"
    case .bearer: "a token"
    }
  }
}
