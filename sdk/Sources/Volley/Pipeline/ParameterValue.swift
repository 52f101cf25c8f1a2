import VolleyPlan

/// A type that a `@Parameter` can have: `String`, `Int`, `Double`, `Bool`, `Duration`, or an optional one of these.
public protocol ParameterValue: Sendable {
  /// "string", "int", "double", "bool" or "duration".
  static var parameterType: String { get }
  /// What a value looks like, for messages.
  static var expectation: String { get }
  /// The value without being given; nil when it must be given.
  static var absent: Self? { get }
  /// Reads a value; text is read too, as it comes from a command line. Nil when it is of another type.
  init?(json: JSONValue)
  var json: JSONValue { get }
}

extension ParameterValue {
  public static var absent: Self? { nil }
}

extension String: ParameterValue {
  public static var parameterType: String { "string" }
  public static var expectation: String { "text" }
  public init?(json: JSONValue) {
    guard case .string(let text) = json else { return nil }
    self = text
  }
  public var json: JSONValue { .string(self) }
}

extension Int: ParameterValue {
  public static var parameterType: String { "int" }
  public static var expectation: String { "a 64-bit integer" }
  public init?(json: JSONValue) {
    switch json {
    case .int(let value): self = Int(value)
    case .string(let text):
      guard let value = Int(text) else { return nil }
      self = value
    default: return nil
    }
  }
  public var json: JSONValue { .int(Int64(self)) }
}

extension Double: ParameterValue {
  public static var parameterType: String { "double" }
  public static var expectation: String { "a number" }
  public init?(json: JSONValue) {
    switch json {
    case .int(let value): self = Double(value)
    case .double(let value): self = value
    case .string(let text):
      guard let value = Double(text) else { return nil }
      self = value
    default: return nil
    }
  }
  /// A number that JSON cannot say (infinity, not a number) is text, which is read as well.
  public var json: JSONValue { isFinite ? .double(self) : .string("\(self)") }
}

extension Bool: ParameterValue {
  public static var parameterType: String { "bool" }
  public static var expectation: String { "true or false" }
  public init?(json: JSONValue) {
    switch json {
    case .bool(let value): self = value
    case .string("true"): self = true
    case .string("false"): self = false
    default: return nil
    }
  }
  public var json: JSONValue { .bool(self) }
}

extension Duration: ParameterValue {
  public static var parameterType: String { "duration" }
  public static var expectation: String { "a duration such as 500ms, 10s, 1m30s, 2h or 1d" }
  public init?(json: JSONValue) {
    switch json {
    case .int(let seconds): self = .seconds(seconds)
    case .double(let seconds):
      guard abs(seconds) < 1e15 else { return nil }
      self = .seconds(seconds)
    case .string(let text):
      guard let value = Duration(text: text) else { return nil }
      self = value
    default: return nil
    }
  }
  public var json: JSONValue { .string(text) }
}

extension Optional: ParameterValue where Wrapped: ParameterValue {
  public static var parameterType: String { Wrapped.parameterType }
  public static var expectation: String { Wrapped.expectation }
  public static var absent: Self? { .some(nil) }
  public init?(json: JSONValue) {
    if json == .null {
      self = nil
    } else {
      guard let value = Wrapped(json: json) else { return nil }
      self = value
    }
  }
  public var json: JSONValue { self?.json ?? .null }
}
