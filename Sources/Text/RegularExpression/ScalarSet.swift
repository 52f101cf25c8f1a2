/// A set of Unicode scalars, as ranges that ascend and neither meet nor overlap.
struct ScalarSet: Sendable, Hashable {
  typealias Span = ClosedRange<UInt32>

  static let limit: UInt32 = 0x10_FFFF
  static let all = ScalarSet([0...limit])

  private(set) var ranges: [Span]

  init(_ ranges: [Span] = []) {
    self.ranges = []
    self.ranges.reserveCapacity(ranges.count)
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = self.ranges.last, range.lowerBound <= last.upperBound || range.lowerBound == last.upperBound + 1 {
        self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        self.ranges.append(range)
      }
    }
  }

  init(_ scalar: UInt32) { ranges = [scalar...scalar] }

  /// The one scalar of the set, if it has just one.
  var single: UInt32? {
    ranges.count == 1 && ranges[0].lowerBound == ranges[0].upperBound ? ranges[0].lowerBound : nil
  }

  var inverted: ScalarSet {
    var result: [Span] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = range.upperBound + 1
    }
    if next <= Self.limit { result.append(next...Self.limit) }
    return ScalarSet(result)
  }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }
}
