import Base

/// What a flight is called: a path, or a command that makes it.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct FlightDescriptor: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.FlightDescriptor"

  /// Which of the two it is. Numbers that are not known here are kept.
  public struct Kind: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let unknown = Kind(rawValue: 0)
    public static let path = Kind(rawValue: 1)
    public static let command = Kind(rawValue: 2)
  }

  /// The field `type`.
  public var kind: Kind
  /// Of the kind `command` only.
  public var command: [UInt8]
  /// Of the kind `path` only.
  public var path: [String]

  public init() {
    self.init(kind: .unknown)
  }

  public init(kind: Kind, command: [UInt8] = [], path: [String] = []) {
    self.kind = kind
    self.command = command
    self.path = path
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&kind)
    case 2: field.take(&command)
    case 3: try field.take(&path)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, kind)
    writer.write(2, command)
    writer.write(3, path)
  }

  public static func path(_ parts: String...) -> FlightDescriptor { FlightDescriptor(kind: .path, path: parts) }

  public static func command(_ bytes: [UInt8]) -> FlightDescriptor { FlightDescriptor(kind: .command, command: bytes) }
}
