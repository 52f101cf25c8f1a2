import Base

/// Says who calls. From any thread; must not block.
public protocol FlightAuthenticator: Sendable {
  /// - Parameter token: of the field `authorization: Bearer …`, or of `auth-token-bin`, which clients that have shaken hands send.
  /// - Returns: who it is; nil for nobody.
  func identity(token: String) -> String?
  /// - Returns: a token for who this is; nil for nobody.
  func token(user: String, password: String) -> String?
}

/// Knows users by name and password, and tokens.
///
/// A user who shakes hands is given a token of 32 random bytes.
public final class FlightTokens: FlightAuthenticator {
  private let passwords: [String: String]
  private let fixed: [String: String]
  private let lifetime: Duration
  private let made = Monitor<[String: (user: String, until: MonotonicTime)]>([:])

  /// Tokens that are good at a time; the oldest go when there are more.
  static let limit = 10_000

  /// - Parameters:
  ///   - users: passwords by name.
  ///   - tokens: names by token, which are good for ever.
  ///   - lifetime: of a token that is made.
  public init(users: [String: String] = [:], tokens: [String: String] = [:], lifetime: Duration = .seconds(12 * 3600)) {
    passwords = users
    fixed = tokens
    self.lifetime = lifetime
  }

  public func identity(token: String) -> String? {
    for (known, name) in fixed where Self.areEqual(known, token) { return name }
    return made.withLock { made in
      guard let entry = made[token] else { return nil }
      if entry.until > .now { return entry.user }
      made[token] = nil
      return nil
    }
  }

  public func token(user: String, password: String) -> String? {
    // The same work for names that there are not.
    guard Self.areEqual(passwords[user] ?? "", password), passwords[user] != nil else { return nil }
    let digits = Array("0123456789abcdef")
    var random = SystemRandomNumberGenerator()
    let token = String((0..<64).map { _ in digits[Int.random(in: 0..<16, using: &random)] })
    let until = MonotonicTime.now + lifetime.wholeNanoseconds
    made.withLock { made in
      if made.count >= Self.limit, let oldest = made.min(by: { $0.value.until < $1.value.until }) {
        made[oldest.key] = nil
      }
      made[token] = (user, until)
    }
    return token
  }

  /// Compares in a time that does not tell how far they are equal.
  private static func areEqual(_ left: String, _ right: String) -> Bool {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    var difference = UInt8(left.count == right.count ? 0 : 1)
    for (index, byte) in right.enumerated() { difference |= byte ^ (left.isEmpty ? 0 : left[index % left.count]) }
    return difference == 0
  }
}

extension FlightCredentials {
  /// What a client says of itself in a call's head: in `authorization`, or in `auth-token-bin`, where clients that have
  /// shaken hands with messages repeat the token.
  ///
  /// - Returns: nil when it says nothing.
  /// - Throws: UNAUTHENTICATED when it says what nobody understands.
  static func of(_ metadata: GRPCMetadata) throws(GRPCStatus) -> FlightCredentials? {
    if let bytes = metadata.bytes("auth-token-bin") { return .bearer(String(decoding: bytes, as: UTF8.self)) }
    guard let text = metadata.text(metadataName) else { return nil }
    if let credentials = FlightCredentials(authorization: text) { return credentials }
    throw GRPCStatus(
      .unauthenticated,
      "the field 'authorization' is neither 'Basic' with a user and a password in Base64 nor 'Bearer' with a token")
  }
}
