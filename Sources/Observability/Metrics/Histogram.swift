/// How often observations were at most so large, for several sizes.
///
/// A value: whoever observes from several threads guards it.
public struct Histogram: Sendable, Hashable {
  /// Upper bounds of the buckets, each included, rising; one without a bound follows.
  public let bounds: [Double]
  /// By bucket, those of smaller buckets left out; the last is the one without a bound.
  private var counts: [Int]
  /// Of all observations.
  public private(set) var sum = 0.0

  public init(bounds: [Double]) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "the bounds of buckets rise")
    precondition(bounds.allSatisfy(\.isFinite), "the bucket without a bound is there anyway")
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  public mutating func observe(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }

  /// By bucket, those of smaller buckets included; the last counts all observations.
  public var cumulativeCounts: [Int] {
    var total = 0
    return counts.map { count in
      total += count
      return total
    }
  }
}
