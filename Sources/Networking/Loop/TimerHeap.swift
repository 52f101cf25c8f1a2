import Base

/// The timers that are set, the earliest first: a binary heap in which each timer knows its place, so that moving and
/// cancelling one costs no search.
struct TimerHeap {
  private var heap: [LoopTimer] = []
  private var nextSequence = 0

  var count: Int { heap.count }

  mutating func insert(_ timer: LoopTimer) {
    timer.sequence = nextSequence
    nextSequence += 1
    timer.index = heap.count
    heap.append(timer)
    rise(from: timer.index)
  }

  /// Does nothing when the timer is not set.
  mutating func remove(_ timer: LoopTimer) {
    let index = timer.index
    guard index >= 0 else { return }
    timer.index = -1
    let last = heap.removeLast()
    guard last !== timer else { return }
    heap[index] = last
    last.index = index
    rise(from: index)
    sink(from: last.index)
  }

  mutating func removeAll() {
    for timer in heap { timer.index = -1 }
    heap = []
  }

  /// What epoll is told to wait for at most, in milliseconds: -1 without a timer, 0 when one is due. Rounded up, so that a
  /// timer is due when the wait is over.
  func timeout(from now: MonotonicTime) -> Int32 {
    guard let first = heap.first else { return -1 }
    let left = first.deadline - now
    return left <= 0 ? 0 : Int32(min((left + 999_999) / 1_000_000, Int64(Int32.max)))
  }

  /// Whether the invariants hold: for tests.
  var isOrdered: Bool {
    heap.indices.allSatisfy { heap[$0].index == $0 && ($0 == 0 || !precedes(heap[$0], heap[($0 - 1) / 2])) }
  }

  /// The earliest timer that is due and was set before `sequence`, taken out.
  fileprivate mutating func takeDue(_ now: MonotonicTime, setBefore sequence: Int) -> LoopTimer? {
    guard let first = heap.first, first.deadline <= now, first.sequence < sequence else { return nil }
    remove(first)
    return first
  }

  fileprivate var sequence: Int { nextSequence }

  private func precedes(_ left: LoopTimer, _ right: LoopTimer) -> Bool {
    left.deadline == right.deadline ? left.sequence < right.sequence : left.deadline < right.deadline
  }

  private mutating func rise(from start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard precedes(heap[index], heap[parent]) else { return }
      exchange(index, parent)
      index = parent
    }
  }

  private mutating func sink(from start: Int) {
    var index = start
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && precedes(heap[child], heap[least]) {
        least = child
      }
      guard least != index else { return }
      exchange(index, least)
      index = least
    }
  }

  private mutating func exchange(_ left: Int, _ right: Int) {
    heap.swapAt(left, right)
    heap[left].index = left
    heap[right].index = right
  }
}

extension EventLoop {
  /// Runs the timers that are due. Those that they set run in another turn, so that a timer that sets itself anew does not
  /// keep the loop from its descriptors.
  func runDueTimers() {
    let limit = timers.sequence
    while let timer = timers.takeDue(now, setBefore: limit) { timer.run() }
  }
}
