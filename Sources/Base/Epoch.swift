/// The number of one checkpoint.
public struct Epoch: Sendable, Hashable, Comparable {
  public var number: UInt64

  public init(_ number: UInt64) { self.number = number }

  public static func < (left: Epoch, right: Epoch) -> Bool { left.number < right.number }
}
