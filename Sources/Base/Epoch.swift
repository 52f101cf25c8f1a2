/// The number of one checkpoint.
public struct Epoch: Sendable, Hashable, Comparable {
  public var number: UInt64

  public init(_ number: UInt64) { self.number = number }

  public static func < (left: Epoch, right: Epoch) -> Bool { left.number < right.number }

  /// The one that follows.
  public var next: Epoch { Epoch(number + 1) }
}

extension Epoch: Codable {
  public init(from decoder: any Decoder) throws { number = try decoder.singleValueContainer().decode(UInt64.self) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(number)
  }
}
