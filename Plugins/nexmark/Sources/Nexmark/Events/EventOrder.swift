/// Which event stands at a place of the stream, and which of its places are one subtask's.
///
/// Events are in the order of their numbers, or, to be out of order within a bound, in groups of so many as happen within
/// that bound: a group's events follow each other with a random stride, as in the standard's groups, where it is always 953.
struct EventOrder {
  let first: Int64
  let count: Int64
  private let seed: UInt64
  private let groupCount: Int64
  private var group: Group?

  private struct Group {
    var number: Int64
    var count: Int64
    var start: Int64
    var stride: Int64
  }

  /// - Parameter bound: how many microseconds an event may come after one that happened later; 0: events are in order.
  init(first: Int64, count: Int64, bound: Int64, clock: EventClock, seed: UInt64) {
    self.first = first
    self.count = count
    self.seed = seed
    // Times are rounded down to milliseconds, which can add one to a difference.
    let events = bound < 1000 ? 1 : Int64(Double(bound - 1000) / clock.delay) + 1
    // The places in a group are multiplied with each other.
    groupCount = min(events, 1 << 31)
  }

  /// The number of the event at a place, `0 ..< count`.
  mutating func event(at place: Int64) -> Int64 {
    if groupCount == 1 { return first + place }
    let (number, offset) = place.quotientAndRemainder(dividingBy: groupCount)
    let group = group(number)
    return first + number * groupCount + (group.start + offset * group.stride) % group.count
  }

  private mutating func group(_ number: Int64) -> Group {
    if let group, group.number == number { return group }
    var random = EventRandom(seed: seed, stream: EventRandom.Stream.group(number))
    let events = min(groupCount, count - number * groupCount)
    let start = random.below(events)
    var stride = 1 + random.below(events)
    while Self.commonDivisor(stride, events) != 1 { stride = stride % events + 1 }
    let made = Group(number: number, count: events, start: start, stride: stride)
    group = made
    return made
  }

  private static func commonDivisor(_ a: Int64, _ b: Int64) -> Int64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
}
