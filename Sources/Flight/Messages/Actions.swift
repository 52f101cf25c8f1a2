import Base

/// Nothing.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct Empty: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.Empty"

  public init() {}

  public mutating func take(_ field: ProtobufField) throws(Failure) {}

  public func write(to writer: inout ProtobufWriter) {}
}

/// An action that a server has.
public struct ActionType: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.ActionType"

  /// Its name.
  public var type: String
  /// For people.
  public var description: String

  public init() {
    self.init(type: "")
  }

  public init(type: String, description: String = "") {
    self.type = type
    self.description = description
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&type)
    case 2: try field.take(&description)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, type)
    writer.write(2, description)
  }
}

/// Which flights are to be listed, in a form of the server's own.
public struct Criteria: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.Criteria"

  /// Empty: all.
  public var expression: [UInt8]

  public init() {
    self.init(expression: [])
  }

  public init(expression: [UInt8]) {
    self.expression = expression
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&expression)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, expression)
  }
}

/// The call of an action.
public struct Action: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.Action"

  /// Its name.
  public var type: String
  /// In a form of the action's own.
  public var body: [UInt8]

  public init() {
    self.init(type: "")
  }

  public init(type: String, body: [UInt8] = []) {
    self.type = type
    self.body = body
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&type)
    case 2: field.take(&body)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, type)
    writer.write(2, body)
  }
}

/// One of the answers of an action: the message `Result`, a name that Swift has given away.
public struct ActionResult: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.Result"

  /// In a form of the action's own.
  public var body: [UInt8]

  public init() {
    self.init(body: [])
  }

  public init(body: [UInt8]) {
    self.body = body
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&body)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, body)
  }
}
