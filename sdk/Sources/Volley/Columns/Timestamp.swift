/// A point in time: microseconds since 1970-01-01T00:00:00, the value of a `timestamp` column.
///
/// As JSON it is read from a number of microseconds or from ISO 8601 text, which is what sinks write, and written as text.
@frozen
public struct Timestamp: Hashable, Comparable, Codable, Sendable, BitwiseCopyable {
  public var microseconds: Int64

  @inlinable
  public init(microseconds: Int64) { self.microseconds = microseconds }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let microseconds = try? container.decode(Int64.self) {
      self.init(microseconds: microseconds)
      return
    }
    let text = try container.decode(String.self)
    guard let value = Timestamp(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no timestamp such as 2024-02-29T12:00:00.000000Z")
    }
    self = value
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  @inlinable
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
}
