import VolleyPlan

/// A value beside an event's message.
public enum LogValue: Sendable, Hashable {
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)

  /// The value in JSON, which has no NaN and no infinities: those become strings.
  var json: JSONValue {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(Int64(value))
    case .double(let value): value.isFinite ? .double(value) : .string(value.description)
    case .string(let value): .string(value)
    }
  }
}

extension LogValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
}
