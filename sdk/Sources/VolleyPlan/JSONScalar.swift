/// A type that is one JSON value by itself.
protocol JSONScalar {
  /// For messages: "an integer".
  static var jsonName: String { get }
  /// Nil when the value is of another kind.
  init?(json: JSONValue)
  /// Nil when JSON cannot say it.
  var json: JSONValue? { get }
}

extension JSONValue: JSONScalar {
  static var jsonName: String { "a value" }
  init?(json: JSONValue) { self = json }
  var json: JSONValue? { self }

  /// What it is, for messages.
  var kindName: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let value): value.count <= 40 ? "'\(value)'" : "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension Bool: JSONScalar {
  static var jsonName: String { "true or false" }
  init?(json: JSONValue) {
    guard case .bool(let value) = json else { return nil }
    self = value
  }
  var json: JSONValue? { .bool(self) }
}

extension String: JSONScalar {
  static var jsonName: String { "a string" }
  init?(json: JSONValue) {
    guard case .string(let value) = json else { return nil }
    self = value
  }
  var json: JSONValue? { .string(self) }
}

extension JSONScalar where Self: FixedWidthInteger {
  static var jsonName: String { "an integer from \(Self.min) to \(Self.max)" }
  init?(json: JSONValue) {
    guard case .int(let value) = json else { return nil }
    self.init(exactly: value)
  }
  var json: JSONValue? { Int64(exactly: self).map { .int($0) } }
}

extension Int: JSONScalar {}
extension Int8: JSONScalar {}
extension Int16: JSONScalar {}
extension Int32: JSONScalar {}
extension Int64: JSONScalar {}
extension UInt: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt16: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}

extension Double: JSONScalar {
  static var jsonName: String { "a number" }
  init?(json: JSONValue) {
    switch json {
    case .double(let value): self = value
    case .int(let value): self = Double(value)
    default: return nil
    }
  }
  var json: JSONValue? { isFinite ? .double(self) : nil }
}

extension Float: JSONScalar {
  static var jsonName: String { "a number" }
  init?(json: JSONValue) {
    guard let value = Double(json: json) else { return nil }
    self = Float(value)
  }
  var json: JSONValue? { Double(self).json }
}
