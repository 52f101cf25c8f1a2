/// Something that can happen and that a person can act on: the one error type that crosses rooms.
///
/// The message is one sentence that names the thing, what was found, what was expected and what to do. A bug in Volley
/// is no failure but a `precondition`.
public struct Failure: Error, Sendable, Hashable {
  /// Who is at fault.
  public enum Domain: String, Sendable {
    /// The author's code, plan, flags or data.
    case user
    /// A disk, a network, a broker.
    case external
    /// Volley itself.
    case `internal`
  }

  /// What kind of thing went wrong; decides the exit code.
  public enum Kind: Sendable, Hashable {
    /// A wrong flag, option, parameter or plan.
    case usage
    /// Data that cannot be decoded or processed.
    case data
    /// An input that is not there.
    case noInput
    /// A plugin that cannot be used.
    case plugin
    /// Something that another process holds.
    case unavailable
    /// A bug or a crash.
    case software
    /// Reading or writing failed.
    case io
    /// The system has no more memory.
    case memory
  }

  public var kind: Kind
  public var domain: Domain
  /// Whether trying again later may help.
  public var retryable: Bool
  /// Whether an author's function refused what it was given: without some of the records it may go on.
  public var refusesRecords = false
  public var message: String

  public init(_ kind: Kind, domain: Domain? = nil, retryable: Bool = false, _ message: String) {
    self.kind = kind
    self.domain = domain ?? kind.usualDomain
    self.retryable = retryable
    self.message = message
  }

  /// The same failure, its message led by where it happened.
  public func within(_ place: String) -> Failure {
    var failure = self
    failure.message = "\(place): \(message)"
    return failure
  }
}

extension Failure.Kind {
  /// The exit code after sysexits(3).
  public var exitCode: Int32 {
    switch self {
    case .usage: 64
    case .data: 65
    case .noInput: 66
    case .plugin, .unavailable: 69
    case .software: 70
    case .memory: 71
    case .io: 74
    }
  }

  fileprivate var usualDomain: Failure.Domain {
    switch self {
    case .usage, .data, .plugin: .user
    case .noInput, .unavailable, .io, .memory: .external
    case .software: .internal
    }
  }
}

extension Failure: CustomStringConvertible {
  public var description: String { message }
}
