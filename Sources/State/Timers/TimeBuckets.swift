/// Timers in the order of their times, at a cost that does not depend on how many there are.
///
/// A radix queue. `base` is a time before which nothing waits in the buckets; a timer lies on the level of the highest byte in which its
/// time differs from `base`, in the bucket of that byte: level 0 has buckets of a microsecond, level 1 of 256 microseconds, and so on.
/// Every timer of a lower level is before those of a higher one, so the first bucket that is not empty holds the next timers. When
/// that one is due it is sorted and handed out; when only a part of it is, its timers go to lower levels, which happens to a timer at
/// most seven times, and with times that are hours ahead three or four. All of it reads and writes memory in sequence.
///
/// Timers of equal times keep the order in which they were pushed. What was pushed twice comes twice: `TimerQueue` and
/// `SlotDeadlines` know which timers count. One thread at a time.
final class TimeBuckets {
  struct Bucket {
    var head: UnsafeMutableRawPointer?
    /// Where the next timer goes, and the end of its piece.
    var cursor: UnsafeMutablePointer<Timer>?
    var limit: UnsafeMutablePointer<Timer>?
    /// No timer in it is before this.
    var least: UInt64 = .max
  }

  static let levelCount = 8
  static let bucketCount = 256

  /// Timers pushed and not yet handed out.
  private(set) var count = 0
  /// See above. Biased, as are all times inside: unsigned, in the same order.
  var base: UInt64 = 0
  /// The latest time that was asked for.
  var horizon: UInt64 = 0
  var chunks = TimerChunks()
  let buckets: UnsafeMutablePointer<Bucket>
  /// A bit a bucket that is not empty, level by level.
  let occupied: UnsafeMutablePointer<UInt64>
  /// Timers that are due, sorted, and those that were pushed for times before `base`.
  var due = TimerRun()
  var early = TimerRun()
  var scratch = TimerRun()
  /// What the last `pop` gave.
  var popped = TimerRun()

  init() {
    buckets = .allocate(capacity: Self.levelCount * Self.bucketCount)
    buckets.initialize(repeating: Bucket(), count: Self.levelCount * Self.bucketCount)
    occupied = .allocate(capacity: Self.levelCount * 4)
    occupied.initialize(repeating: 0, count: Self.levelCount * 4)
  }

  deinit {
    buckets.deallocate()
    occupied.deallocate()
    chunks.deallocate()
    for run in [due, early, scratch, popped] { run.deallocate() }
  }

  /// Bytes of memory that it holds.
  var byteCount: Int {
    Self.levelCount * Self.bucketCount * MemoryLayout<Bucket>.stride + chunks.byteCount + due.byteCount
      + early.byteCount
      + scratch.byteCount + popped.byteCount
  }

  /// Bytes beyond those of now that pushing so many takes at worst.
  func growth(pushing added: Int) -> Int {
    // Each bucket may need a piece of its own, and the last slab is larger than what is needed of it.
    let buckets = min(added, Self.levelCount * Self.bucketCount)
    return chunks.growth(taking: added / TimerChunks.Chunk.capacity + buckets) + early.growth(appending: added)
  }

  @inline(__always)  // One instruction.
  static func biased(_ time: Int64) -> UInt64 { UInt64(bitPattern: time) ^ (1 << 63) }

  @inline(__always)  // As above.
  static func unbiased(_ time: UInt64) -> Int64 { Int64(bitPattern: time ^ (1 << 63)) }

  /// Adds a timer; one before what was already handed out comes next.
  @inline(__always)  // Loops over timers do little else.
  func push(_ timer: Timer) {
    count &+= 1
    let time = Self.biased(timer.time)
    if time < base {
      early.append(timer)
    } else {
      place(timer, time)
    }
  }

  /// Puts a timer that is not before `base` into its bucket.
  @inline(__always)  // As above.
  func place(_ timer: Timer, _ time: UInt64) {
    let level = (63 &- ((time ^ base) | 1).leadingZeroBitCount) &>> 3
    let digit = Int(truncatingIfNeeded: (time &>> UInt64(truncatingIfNeeded: 8 &* level)) & 255)
    let bucket = buckets + (level &* Self.bucketCount &+ digit)
    if bucket.pointee.cursor == bucket.pointee.limit { lengthen(level, digit) }
    guard let cursor = bucket.pointee.cursor else { preconditionFailure("a bucket that was lengthened has room") }
    cursor.pointee = timer
    bucket.pointee.cursor = cursor + 1
    if time < bucket.pointee.least { bucket.pointee.least = time }
  }

  /// Adds a piece to a bucket.
  @inline(never)
  private func lengthen(_ level: Int, _ digit: Int) {
    let bucket = buckets + (level * Self.bucketCount + digit)
    let chunk = chunks.take()
    if let limit = bucket.pointee.limit {
      let last = UnsafeMutableRawPointer(limit - TimerChunks.Chunk.capacity) - TimerChunks.Chunk.headerBytes
      TimerChunks.Chunk(last).next = chunk.address
    } else {
      bucket.pointee.head = chunk.address
      occupied[level * 4 + digit >> 6] |= 1 << UInt64(digit & 63)
    }
    bucket.pointee.cursor = chunk.timers
    bucket.pointee.limit = chunk.timers + TimerChunks.Chunk.capacity
  }

  /// Takes a bucket's timers out of it: `body` gets them piece by piece, in their order.
  func drain(_ level: Int, _ digit: Int, _ body: (UnsafeMutablePointer<Timer>, Int) -> Void) {
    let bucket = buckets[level * Self.bucketCount + digit]
    buckets[level * Self.bucketCount + digit] = Bucket()
    occupied[level * 4 + digit >> 6] &= ~(1 << UInt64(digit & 63))
    var next = bucket.head
    while let address = next {
      let chunk = TimerChunks.Chunk(address)
      next = chunk.next
      if let next { TimerChunks.Chunk(next).prefetch() }
      let isLast = next == nil
      body(chunk.timers, isLast ? (bucket.cursor ?? chunk.timers) - chunk.timers : TimerChunks.Chunk.capacity)
      chunks.giveBack(chunk)
    }
  }

  /// The first bucket that is not empty.
  func firstBucket() -> (level: Int, digit: Int)? {
    for word in 0..<Self.levelCount * 4 where occupied[word] != 0 {
      return (word >> 2, (word & 3) << 6 + occupied[word].trailingZeroBitCount)
    }
    return nil
  }

  /// The time of the next timer; nil when there is none.
  var nextTime: Int64? {
    var least: UInt64 = .max
    if count == 0 { return nil }
    if let first = due.first { least = Self.biased(first.time) }
    if early.count > 0 { least = min(least, earliest()) }
    if least == .max, let (level, digit) = firstBucket() { least = buckets[level * Self.bucketCount + digit].least }
    return Self.unbiased(least)
  }

  private func earliest() -> UInt64 {
    sortEarly()
    return early.first.map { Self.biased($0.time) } ?? .max
  }

  func handedOut(_ number: Int) {
    count -= number
    guard count == 0 else { return }
    if chunks.byteCount > 1 << 20 { chunks.removeAll() }
    scratch.removeAll()
  }

  /// Keeps of all timers only those that `keep` leaves: it gets some of them, moves those that stay to the front, and tells how many they
  /// are.
  func filter(_ keep: (UnsafeMutablePointer<Timer>, Int) -> Int) {
    var kept = due.filter(keep) + early.filter(keep)
    for level in 0..<Self.levelCount {
      for digit in 0..<Self.bucketCount where occupied[level * 4 + digit >> 6] & (1 << UInt64(digit & 63)) != 0 {
        drain(level, digit) { timers, number in
          let stay = keep(timers, number)
          kept += stay
          for index in 0..<stay { place(timers[index], Self.biased(timers[index].time)) }
        }
      }
    }
    count = kept
  }

  /// Forgets all timers; times before those handed out may come again.
  func removeAll() {
    buckets.update(repeating: Bucket(), count: Self.levelCount * Self.bucketCount)
    occupied.update(repeating: 0, count: Self.levelCount * 4)
    chunks.removeAll()
    due.removeAll()
    early.removeAll()
    count = 0
    base = 0
    horizon = 0
  }
}
