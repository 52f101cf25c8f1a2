extension TimeBuckets {
  /// The next timers up to `time`, itself included, in the order of their times: at least one when one is due, and at most `limit`. Valid
  /// until the next call of `pop` or `filter`.
  ///
  /// Pushing between two calls is right: a timer that is then before others that are still to come comes before them. A time
  /// before the last one counts as that one.
  func pop(upTo time: Int64, limit: Int) -> UnsafeMutableBufferPointer<Timer> {
    horizon = max(horizon, Self.biased(time))
    popped.removeAll()
    while due.count < limit, takeBucket() {}
    if early.count > 0 {
      sortEarly()
      merge(limit)
    } else {
      let number = min(limit, due.count)
      popped.append(due.timers, count: number)
      due.removeFirst(number)
    }
    handedOut(popped.count)
    return UnsafeMutableBufferPointer(start: popped.timers, count: popped.count)
  }

  /// Moves the first bucket to the timers that are due, or a part of it to lower levels. Returns false when none is due.
  private func takeBucket() -> Bool {
    guard let (level, digit) = firstBucket() else { return false }
    let least = buckets[level * Self.bucketCount + digit].least
    if least > horizon { return false }
    let width: UInt64 = 1 << UInt64(8 * level)
    let last = least | (width - 1)
    if last <= horizon {
      let sorted = due.count
      drain(level, digit) { timers, number in due.append(timers, count: number) }
      if level > 0 { due.sort(from: sorted, scratch: &scratch) }
      // Times of this bucket that come now are early, but for its last, which level 0 has a place for.
      base = last
    } else {
      base = least
      drain(level, digit) { timers, number in
        for index in 0..<number { place(timers[index], Self.biased(timers[index].time)) }
      }
    }
    return true
  }

  /// Sorts the first `number` timers that the last `pop` gave, whose times the caller has changed, and drops the others.
  func sortPopped(_ number: Int) {
    popped.truncate(to: number)
    popped.sort(scratch: &scratch)
  }

  func sortEarly() {
    if !early.isSorted { early.sort(scratch: &scratch) }
  }

  /// Both are sorted and due. Of equal times those that are due came first.
  private func merge(_ limit: Int) {
    let (dueTimers, earlyTimers) = (due.timers, early.timers)
    let (dueCount, earlyCount) = (due.count, early.count)
    var (fromDue, fromEarly) = (0, 0)
    while fromDue + fromEarly < limit {
      if fromEarly < earlyCount && (fromDue == dueCount || earlyTimers[fromEarly].time < dueTimers[fromDue].time) {
        popped.append(earlyTimers[fromEarly])
        fromEarly += 1
      } else if fromDue < dueCount {
        popped.append(dueTimers[fromDue])
        fromDue += 1
      } else {
        break
      }
    }
    due.removeFirst(fromDue)
    early.removeFirst(fromEarly)
  }
}
