/// Timers one after the other, in memory that doubles. The owner calls `deallocate`.
struct TimerRun {
  private var memory: UnsafeMutablePointer<Timer>
  private var capacity: Int
  /// The first timers may be taken away.
  private var start = 0
  private var end = 0
  /// Whether nothing was appended since the last `sort`.
  private(set) var isSorted = true

  private static let firstCapacity = 32

  init() {
    capacity = Self.firstCapacity
    memory = .allocate(capacity: Self.firstCapacity)
  }

  func deallocate() { memory.deallocate() }

  var byteCount: Int { capacity * MemoryLayout<Timer>.stride }
  var count: Int { end - start }
  var first: Timer? { count == 0 ? nil : timers[0] }

  /// The timers, until the next change.
  var timers: UnsafeMutablePointer<Timer> { memory + start }

  mutating func append(_ timer: Timer) {
    reserve(1)
    timers[count] = timer
    end += 1
    isSorted = false
  }

  mutating func append(_ added: UnsafePointer<Timer>, count: Int) {
    reserve(count)
    timers.advanced(by: self.count).update(from: added, count: count)
    end += count
    isSorted = false
  }

  mutating func removeFirst(_ number: Int) {
    start += number
    if start == end { removeAll() }
  }

  mutating func removeAll() {
    start = 0
    end = 0
    isSorted = true
    guard byteCount > 1 << 20 else { return }
    memory.deallocate()
    capacity = Self.firstCapacity
    memory = .allocate(capacity: Self.firstCapacity)
  }

  /// Keeps those that `keep` moves to the front; see `TimeBuckets.filter`.
  mutating func filter(_ keep: (UnsafeMutablePointer<Timer>, Int) -> Int) -> Int {
    truncate(to: keep(timers, count))
    return count
  }

  /// Drops what is behind the first `number`.
  mutating func truncate(to number: Int) { end = start + number }

  /// Bytes beyond those of now that appending so many takes at worst, while the memory grows.
  func growth(appending added: Int) -> Int {
    end + added > capacity ? max(count + added, 2 * count, Self.firstCapacity) * 2 * MemoryLayout<Timer>.stride : 0
  }

  private mutating func reserve(_ added: Int) {
    guard end + added > capacity else { return }
    let wanted = max(count + added, 2 * count, Self.firstCapacity)
    let grown = UnsafeMutablePointer<Timer>.allocate(capacity: wanted)
    grown.update(from: timers, count: count)
    memory.deallocate()
    memory = grown
    end -= start
    start = 0
    capacity = wanted
  }

  /// Sorts the timers from `first` on by their times; those of equal times keep their order.
  mutating func sort(from first: Int = 0, scratch: inout TimerRun) {
    let unsorted = timers + first
    let number = count - first
    isSorted = true
    guard number > 1 else { return }
    if number <= 32 {
      Self.insertionSort(unsorted, number)
      return
    }
    // Only the bytes in which the times differ.
    var differing: UInt64 = 0
    let one = unsorted[0].time
    for index in 0..<number { differing |= UInt64(bitPattern: unsorted[index].time ^ one) }
    if differing == 0 { return }
    scratch.removeAll()
    scratch.reserve(number)
    var (source, target) = (unsorted, scratch.timers)
    for byte in 0..<8 where differing >> UInt64(8 * byte) & 255 != 0 {
      Self.radixPass(source, target, number, UInt64(8 * byte))
      (source, target) = (target, source)
    }
    if source != unsorted { unsorted.update(from: source, count: number) }
  }

  private static func insertionSort(_ timers: UnsafeMutablePointer<Timer>, _ count: Int) {
    for index in 1..<count {
      let timer = timers[index]
      var place = index
      while place > 0 && timers[place - 1].time > timer.time {
        timers[place] = timers[place - 1]
        place -= 1
      }
      timers[place] = timer
    }
  }

  /// Moves timers to the order of one byte of their times.
  private static func radixPass(
    _ source: UnsafePointer<Timer>, _ target: UnsafeMutablePointer<Timer>, _ count: Int, _ shift: UInt64
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { places in
      places.initialize(repeating: 0)
      for index in 0..<count { places[Int(TimeBuckets.biased(source[index].time) &>> shift & 255)] &+= 1 }
      var next = 0
      for digit in 0..<256 {
        let number = places[digit]
        places[digit] = next
        next &+= number
      }
      for index in 0..<count {
        let digit = Int(TimeBuckets.biased(source[index].time) &>> shift & 255)
        target[places[digit]] = source[index]
        places[digit] &+= 1
      }
    }
  }
}
