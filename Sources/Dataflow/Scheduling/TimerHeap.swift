import Base

/// Who is to be woken when: a binary heap by time.
struct TimerHeap<Element> {
  private var entries: [(time: MonotonicTime, element: Element)] = []

  /// The earliest time.
  var earliest: MonotonicTime? { entries.first?.time }
  var count: Int { entries.count }

  mutating func insert(_ element: Element, at time: MonotonicTime) {
    entries.append((time, element))
    var index = entries.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if entries[parent].time <= entries[index].time { break }
      entries.swapAt(parent, index)
      index = parent
    }
  }

  /// Takes the earliest entry whose time has come.
  mutating func popDue(now: MonotonicTime) -> (time: MonotonicTime, element: Element)? {
    guard let first = entries.first, first.time <= now else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
        if entries[child].time < entries[least].time { least = child }
      }
      if least == index { return first }
      entries.swapAt(least, index)
      index = least
    }
  }
}
