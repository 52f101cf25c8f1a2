/// How often a checkpoint directory has changed hands: each process that owns it has a number of its own, above those
/// of all before it.
public struct Generation: Sendable, Hashable, Comparable {
  public var number: UInt64

  public init(_ number: UInt64) { self.number = number }

  public static func < (left: Generation, right: Generation) -> Bool { left.number < right.number }

  public var next: Generation { Generation(number + 1) }
}

extension Generation: Codable {
  public init(from decoder: any Decoder) throws { number = try decoder.singleValueContainer().decode(UInt64.self) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(number)
  }
}
