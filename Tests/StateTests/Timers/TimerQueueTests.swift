import TestSupport
import Testing

@testable import State

/// A queue with records of its own, or with those of another one.
private final class RecordedQueue {
  private let queue = TimerQueue()
  /// Eight words a slot, the first of which are the owner's.
  private let records: SlotColumn<UInt64>

  init(slotCount: Int = 1_000) {
    records = SlotColumn(initial: 0)
    records.grow(to: 8 * slotCount)
  }

  init(sharing other: RecordedQueue) { records = other.records }

  private var times: SlotTimesMemory { SlotTimesMemory(first: UnsafeMutableRawPointer(records.values + 1), shift: 6) }

  var count: Int { queue.count }
  var byteCount: Int { queue.byteCount }
  var nextTime: Int64? { queue.nextTime }
  func growth(registering added: Int) -> Int { queue.growth(registering: added) }

  func register(_ timers: UnsafePointer<Timer>, count: Int, isNew: UnsafeMutablePointer<Bool>? = nil) {
    queue.register(timers, count: count, in: times, isNew: isNew)
  }

  func delete(_ timers: UnsafePointer<Timer>, count: Int, wasRegistered: UnsafeMutablePointer<Bool>? = nil) {
    queue.delete(timers, count: count, in: times, wasRegistered: wasRegistered)
  }

  func contains(_ timer: Timer) -> Bool { queue.contains(timer, in: times) }

  func pop(upTo time: Int64, limit: Int = 8_192) -> UnsafeBufferPointer<Timer> {
    queue.pop(upTo: time, limit: limit, in: times)
  }
}

@Suite("A timer queue")
struct TimerQueueTests {
  /// Times where bytes, signs and calendars turn over.
  private static let edges: [Int64] = [
    .min, .min + 1, -62_135_596_800_000_000, -65_537, -257, -256, -255, -1, 0, 1, 255, 256, 257, 65_535, 65_536,
    1_700_000_000_000_000, 253_402_300_799_999_999, .max - 1, .max,
  ]

  private func popAll(_ queue: RecordedQueue, upTo time: Int64, limit: Int = 8_192) -> [Timer] {
    var all: [Timer] = []
    while true {
      let timers = queue.pop(upTo: time, limit: limit)
      #expect(timers.count <= limit)
      if timers.isEmpty { return all }
      all += timers
    }
  }

  private func register(_ queue: RecordedQueue, _ timers: [Timer]) { queue.register(timers, count: timers.count) }

  @Test("gives each timer up to and with the time that is asked for, and no other, for every pair of times at an edge")
  func edges() {
    for (slot, time) in Self.edges.enumerated() {
      for upTo in Self.edges {
        let queue = RecordedQueue()
        register(queue, [Timer(time: time, slot: UInt32(slot))])
        #expect(queue.nextTime == time)
        let due = popAll(queue, upTo: upTo)
        #expect(due == (time <= upTo ? [Timer(time: time, slot: UInt32(slot))] : []), "\(time) up to \(upTo)")
        #expect(queue.nextTime == (time <= upTo ? nil : time))
        #expect(popAll(queue, upTo: .max).count == (time <= upTo ? 0 : 1))
        #expect(queue.count == 0)
      }
    }
  }

  @Test("gives the timers of every edge in their order, whatever was asked before")
  func orderOfEdges() {
    var generator = SeededGenerator()
    for first in Self.edges {
      for second in Self.edges where first <= second {
        let queue = RecordedQueue()
        let timers = Self.edges.enumerated().map { Timer(time: $1, slot: UInt32($0)) }
        register(queue, timers.shuffled(using: &generator))
        var all = popAll(queue, upTo: first)
        #expect(all.count == Self.edges.filter { $0 <= first }.count, "\(generator)")
        all += popAll(queue, upTo: second, limit: 1)
        #expect(all == timers.filter { $0.time <= second }, "\(generator)")
        #expect(queue.nextTime == Self.edges.first { $0 > second })
      }
    }
  }

  @Test("gives timers of one time in the order of their registration, and one that is registered again once")
  func stable() {
    for time in [Int64.min, -5, 0, 1 << 40, .max] {
      let queue = RecordedQueue()
      let timers = (0..<1_000).map { Timer(time: time, slot: UInt32(999 - $0), tag: UInt32($0 % 2)) }
      var isNew = [Bool](repeating: false, count: 1_000)
      queue.register(timers, count: 1_000, isNew: &isNew)
      #expect(isNew.allSatisfy { $0 })
      queue.register(timers.reversed(), count: 1_000, isNew: &isNew)
      #expect(!isNew.contains(true))
      #expect(queue.count == 1_000)
      #expect(popAll(queue, upTo: time, limit: 7) == timers)
    }
  }

  @Test("tells slots and tags of one time apart")
  func identity() {
    let queue = RecordedQueue()
    let timers = [
      Timer(time: 5, slot: 1), Timer(time: 5, slot: 1, tag: 1), Timer(time: 5, slot: 2), Timer(time: 6, slot: 1),
    ]
    register(queue, timers)
    var wasRegistered = [Bool](repeating: false, count: 2)
    queue.delete([timers[1], Timer(time: 7, slot: 1)], count: 2, wasRegistered: &wasRegistered)
    #expect(wasRegistered == [true, false])
    #expect(queue.contains(timers[0]) && !queue.contains(timers[1]))
    #expect(popAll(queue, upTo: 5) == [timers[0], timers[2]])
    #expect(queue.count == 1)
  }

  @Test("gives a timer of the past next, before those that were due and are still to come")
  func past() {
    let queue = RecordedQueue()
    register(queue, (0..<100).map { Timer(time: 1_000 + $0, slot: UInt32($0)) })
    #expect(queue.pop(upTo: 1_050, limit: 10).map(\.time) == Array(1_000..<1_010))
    register(queue, [Timer(time: 3, slot: 7), Timer(time: 1_012, slot: 7), Timer(time: 1_049, slot: 200)])
    #expect(queue.nextTime == 3)
    #expect(queue.pop(upTo: 1_050, limit: 4).map(\.time) == [3, 1_010, 1_011, 1_012])
    #expect(queue.pop(upTo: 1_050, limit: 2).map(\.slot) == [7, 13])
    #expect(popAll(queue, upTo: 1_050).map(\.time) == Array(1_014...1_049) + [1_049, 1_050])
    register(queue, [Timer(time: -1, slot: 1)])
    #expect(popAll(queue, upTo: .min).map(\.time) == [-1], "time does not go back")
    #expect(popAll(queue, upTo: .max).map(\.time) == Array(1_051..<1_100))
  }

  /// Plain Swift: a list in the order of registration.
  private struct Model {
    var timers: [Timer] = []
    var horizon = Int64.min

    mutating func register(_ timer: Timer) -> Bool {
      if timers.contains(timer) { return false }
      timers.append(timer)
      return true
    }

    mutating func delete(_ timer: Timer) -> Bool {
      guard let index = timers.firstIndex(of: timer) else { return false }
      timers.remove(at: index)
      return true
    }

    mutating func pop(upTo time: Int64) -> [Timer] {
      horizon = max(horizon, time)
      let due = timers.filter { $0.time <= horizon }
      timers.removeAll { $0.time <= horizon }
      return due.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }
  }

  @Test("does what a list would, with random calls", arguments: [4, 9, 17, 33, 50, 62])
  func random(bits: Int) {
    var generator = SeededGenerator()
    for deletes in [false, true] {
      let queue = RecordedQueue()
      var model = Model()
      var now = Int64.random(in: -1000...1000, using: &generator) << 20
      for step in 0..<400 {
        let added = (0..<Int.random(in: 0..<20, using: &generator)).map { _ in
          let distance = Int64.random(in: -3..<(1 << Int64(bits)), using: &generator)
          return Timer(
            time: now.addingReportingOverflow(distance >> Int64.random(in: 0..<Int64(bits), using: &generator))
              .partialValue,
            slot: UInt32.random(in: 0..<5, using: &generator), tag: UInt32.random(in: 0..<2, using: &generator))
        }
        var isNew = [Bool](repeating: false, count: added.count)
        queue.register(added, count: added.count, isNew: &isNew)
        #expect(isNew == added.map { model.register($0) }, "\(generator)")
        if deletes {
          let gone = model.timers.filter { _ in Int.random(in: 0..<6, using: &generator) == 0 } + added.suffix(1)
          var wasRegistered = [Bool](repeating: false, count: gone.count)
          queue.delete(gone, count: gone.count, wasRegistered: &wasRegistered)
          #expect(wasRegistered == gone.map { model.delete($0) }, "\(generator)")
        }
        #expect(queue.count == model.timers.count, "\(generator)")
        if !deletes { #expect(queue.nextTime == model.timers.map(\.time).min(), "\(generator)") }
        if step % 3 == 0 {
          let step =
            Int64.random(in: 0..<(1 << Int64(bits)), using: &generator) >> Int64.random(in: 0..<12, using: &generator)
          now = now > .max - step ? .max : now + step
          let due = popAll(queue, upTo: now, limit: Int.random(in: 1...30, using: &generator))
          let expected = model.pop(upTo: now)
          if deletes {
            // One that was deleted and registered again may come at either place among those of its time.
            func ordered(_ timers: [Timer]) -> [[Int64]] {
              timers.map { [$0.time, Int64($0.slot), Int64($0.tag)] }.sorted { $0.lexicographicallyPrecedes($1) }
            }
            #expect(due.map(\.time) == expected.map(\.time), "\(generator)")
            #expect(ordered(due) == ordered(expected), "\(generator)")
          } else {
            #expect(due == expected, "\(generator)")
          }
        }
      }
      #expect(Set(popAll(queue, upTo: .max)) == Set(model.timers), "\(generator)")
    }
  }

  @Test("of many timers gives all, sorted")
  func many() {
    var generator = SeededGenerator()
    let queue = RecordedQueue(slotCount: 200_000)
    var timers = (0..<200_000).map {
      Timer(time: Int64.random(in: -1_000_000_000...1_000_000_000, using: &generator), slot: UInt32($0))
    }
    register(queue, timers)
    var all: [Timer] = []
    for time in [-999_999_999, -500_000_000, 0, 1, 300_000_000, 1_000_000_000] {
      all += popAll(queue, upTo: Int64(time))
      #expect(all.last.map { $0.time <= time } ?? true, "\(generator)")
      #expect(queue.nextTime.map { $0 > time } ?? true, "\(generator)")
    }
    timers.sort { ($0.time, $0.slot) < ($1.time, $1.slot) }
    #expect(all == timers, "\(generator)")
  }

  /// A session's end moves with each event; the ends that it had must not stay.
  @Test("keeps little memory for timers that are deleted, or deleted and registered again")
  func moved() {
    for again in [false, true] {
      let queue = RecordedQueue()
      for round in 0..<3_000 {
        let former = (0..<10).map { Timer(time: 1 << 50 + Int64(again ? 0 : round), slot: UInt32($0)) }
        let next = (0..<10).map { Timer(time: 1 << 50 + Int64(again ? 0 : round + 1), slot: UInt32($0)) }
        queue.delete(former, count: 10)
        register(queue, next)
        #expect(queue.count == 10)
      }
      #expect(queue.byteCount < 500_000, "\(queue.byteCount)")
      #expect(popAll(queue, upTo: .max).count == 10)
    }
  }

  @Test("gives memory back when its timers are done")
  func memory() {
    for slotCount in [100, 300_000] {
      let queue = RecordedQueue(slotCount: slotCount)
      let empty = queue.byteCount
      for round in 0..<2 {
        let announced = queue.byteCount + queue.growth(registering: 300_000)
        register(
          queue, (0..<300_000).map { Timer(time: Int64($0 + 300_000 * round) * 1_000, slot: UInt32($0 % slotCount)) })
        #expect(queue.byteCount > 300_000 * 16 && queue.byteCount <= announced)
        #expect(popAll(queue, upTo: 300_000 * 1_000 * Int64(round + 1)).count == 300_000)
        #expect(queue.byteCount < empty + 3_000_000, "\(queue.byteCount)")
      }
    }
  }

  /// Timers of two clocks, of slots that have a few and of such that have many.
  @Test("does what a list would beside another queue whose timers lie in the same records", arguments: [2, 30])
  func shared(slotCount: UInt32) {
    var generator = SeededGenerator()
    let first = RecordedQueue(slotCount: Int(slotCount))
    let queues = [first, RecordedQueue(sharing: first)]
    var models = [Model(), Model()]
    for step in 0..<3_000 {
      let which = Int.random(in: 0...1, using: &generator)
      let (queue, tag) = (queues[which], UInt32(which))
      func timers(_ most: Int) -> [Timer] {
        (0..<Int.random(in: 0...most, using: &generator)).map { _ in
          Timer(
            time: Int64(step) + Int64.random(in: 0..<40, using: &generator),
            slot: UInt32.random(in: 0..<slotCount, using: &generator), tag: tag)
        }
      }
      let added = timers(12)
      var isNew = [Bool](repeating: false, count: added.count)
      queue.register(added, count: added.count, isNew: &isNew)
      #expect(isNew == added.map { models[which].register($0) }, "\(generator)")
      let gone = timers(20)
      var wasRegistered = [Bool](repeating: false, count: gone.count)
      queue.delete(gone, count: gone.count, wasRegistered: &wasRegistered)
      #expect(wasRegistered == gone.map { models[which].delete($0) }, "\(generator)")
      for timer in gone + added {
        #expect(queue.contains(timer) == models[which].timers.contains(timer), "\(generator)")
      }
      #expect(queues.map(\.count) == models.map(\.timers.count), "\(generator)")
      if step % 20 == 0 {
        let due = popAll(queue, upTo: Int64(step), limit: Int.random(in: 1...30, using: &generator))
        #expect(Set(due) == Set(models[which].pop(upTo: Int64(step))), "\(generator)")
        #expect(due.map(\.time) == due.map(\.time).sorted(), "\(generator)")
      }
    }
    for (queue, model) in zip(queues, models) {
      let rest = popAll(queue, upTo: .max)
      #expect(rest.count == model.timers.count && Set(rest) == Set(model.timers), "\(generator)")
    }
  }

  @Test("keeps each timer once when deleted ones are swept, of slots with few and with many", arguments: [1, 7, 5_000])
  func swept(slotCount: Int) {
    var generator = SeededGenerator()
    let queue = RecordedQueue(slotCount: slotCount)
    // Some of them again and again: then they are in the queue more than once.
    let timers = (0..<10_000).map { Timer(time: Int64($0 % 1_000), slot: UInt32($0 % slotCount), tag: 1) }
    let distinct = Set(timers)
    for _ in 0..<4 {
      register(queue, timers)
      #expect(queue.count == distinct.count)
      queue.delete(timers, count: timers.count)
      #expect(queue.count == 0)
    }
    let kept = Set(timers.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 })
    register(queue, Array(kept))
    for _ in 0..<40 {
      let others = distinct.subtracting(kept).shuffled(using: &generator)
      register(queue, others)
      queue.delete(others, count: others.count)
    }
    #expect(queue.count == kept.count, "\(generator)")
    let all = popAll(queue, upTo: .max)
    #expect(all.count == kept.count && Set(all) == kept, "\(generator)")
  }
}
