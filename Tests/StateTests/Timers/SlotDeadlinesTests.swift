import TestSupport
import Testing

@testable import State

@Suite("Deadlines of slots")
struct SlotDeadlinesTests {
  private func popAll(_ deadlines: SlotDeadlines, upTo time: Int64, limit: Int = 8_192) -> [Timer] {
    var all: [Timer] = []
    while true {
      let due = deadlines.pop(upTo: time, limit: limit)
      #expect(due.count <= limit)
      if due.isEmpty { return all }
      all += due
    }
  }

  /// Every order of up to four settings of two times, or none, and every point at which time passes between them.
  @Test("come once, at the time that was set last")
  func everySequence() {
    let times: [Int64] = [10, 20, SlotDeadlines.none]
    for first in times {
      for second in times {
        for third in times {
          for asked in [Int64(0), 10, 15, 20, 25] {
            let deadlines = SlotDeadlines()
            deadlines.grow(to: 1)
            var current = SlotDeadlines.none
            for time in [first, second] {
              deadlines.set([0], [time], count: 1)
              current = time
            }
            #expect(deadlines.time(of: 0) == current)
            var due = popAll(deadlines, upTo: asked).map(\.time)
            #expect(due == (current <= asked ? [current] : []), "\(first), \(second), up to \(asked)")
            if current <= asked { current = SlotDeadlines.none }
            deadlines.set([0], [third], count: 1)
            due = popAll(deadlines, upTo: max(asked, 20)).map(\.time)
            #expect(due == (third == SlotDeadlines.none ? [] : [third]), "\(first), \(second), \(third), \(asked)")
            #expect(popAll(deadlines, upTo: .max).isEmpty)
          }
        }
      }
    }
  }

  @Test("do what a dictionary would, with random calls", arguments: [3, 20, 600])
  func random(slotCount: Int) {
    var generator = SeededGenerator()
    let deadlines = SlotDeadlines()
    deadlines.grow(to: slotCount)
    var model: [UInt32: Int64] = [:]
    var now: Int64 = 0
    for step in 0..<1_500 {
      let slots = (0..<Int.random(in: 0..<30, using: &generator)).map { _ in
        UInt32.random(in: 0..<UInt32(slotCount), using: &generator)
      }
      let times = slots.map { _ in
        Int.random(in: 0..<20, using: &generator) == 0
          ? SlotDeadlines.none : now + Int64.random(in: -5..<3_000, using: &generator)
      }
      switch Int.random(in: 0..<4, using: &generator) {
      case 0:
        deadlines.clear(slots, count: slots.count)
        for slot in slots { model[slot] = nil }
      case 1:
        let sure = times.map { $0 == SlotDeadlines.none ? now : $0 }
        deadlines.extend(slots, sure, count: slots.count)
        for (slot, time) in zip(slots, sure) { model[slot] = max(model[slot] ?? .min, time) }
      default:
        deadlines.set(slots, times, count: slots.count)
        for (slot, time) in zip(slots, times) { model[slot] = time == SlotDeadlines.none ? nil : time }
      }
      for slot in 0..<UInt32(slotCount) {
        #expect(deadlines.time(of: slot) == model[slot] ?? SlotDeadlines.none, "\(generator)")
      }
      if let next = deadlines.nextTime { #expect(next <= model.values.min() ?? .max, "\(generator)") }
      guard step % 4 == 0 else { continue }
      now += Int64.random(in: 0..<500, using: &generator)
      let due = popAll(deadlines, upTo: now, limit: Int.random(in: 1...40, using: &generator))
      let expected = model.filter { $0.value <= now }
      #expect(due.map(\.time) == expected.values.sorted(), "\(generator)")
      #expect(Dictionary(due.map { ($0.slot, $0.time) }, uniquingKeysWith: { a, _ in a }) == expected, "\(generator)")
      for slot in expected.keys { model[slot] = nil }
    }
  }

  @Test("that are set while others are handed out come in their order")
  func whilePopping() {
    let deadlines = SlotDeadlines()
    deadlines.grow(to: 10)
    deadlines.set([0, 1, 2, 3], [10, 20, 30, 40], count: 4)
    #expect(deadlines.pop(upTo: 40, limit: 1).map(\.time) == [10])
    deadlines.set([5, 6], [15, 35], count: 2)
    deadlines.set([1], [33], count: 1)
    #expect(popAll(deadlines, upTo: 40, limit: 2).map(\.slot) == [5, 2, 1, 6, 3])
  }

  @Test("that move at every event keep little memory", arguments: [1, -1])
  func memory(direction: Int64) {
    let deadlines = SlotDeadlines()
    deadlines.grow(to: 100)
    let slots = (0..<UInt32(100)).map { $0 }
    for round in 0..<Int64(5_000) {
      deadlines.set(slots, slots.map { _ in 1 << 50 + direction * round }, count: 100)
    }
    #expect(deadlines.byteCount < 500_000, "\(deadlines.byteCount)")
    #expect(popAll(deadlines, upTo: .max).map(\.slot).sorted() == slots)
  }
}

@Suite("A time to live")
struct TimeToLiveTests {
  private func expired(_ life: TimeToLive, at time: Int64) -> [UInt32] {
    var all: [UInt32] = []
    while true {
      let slots = life.popExpired(at: time, limit: 3)
      if slots.isEmpty { return all }
      all += slots.map(\.slot)
    }
  }

  @Test("ends at its very time after the last touch")
  func border() {
    let life = TimeToLive(duration: 100)
    life.grow(to: 5)
    life.touch([0, 1, 2], count: 3, at: 1_000)
    life.touch([1], count: 1, at: 1_001)
    life.touch([2, 4], at: [999, -50], count: 2)
    #expect((0..<5).map { life.expiry(of: $0) } == [1_100, 1_101, 1_100, nil, 50])
    #expect(expired(life, at: 49) == [])
    #expect(expired(life, at: 50) == [4])
    #expect(expired(life, at: 1_099) == [])
    #expect(expired(life, at: 1_100) == [0, 2])
    life.touch([0], count: 1, at: 1_100)
    #expect(expired(life, at: 1_101) == [1])
    life.clear([0], count: 1)
    #expect(expired(life, at: .max) == [])
  }

  @Test("of times at the end of all times ends there")
  func overflow() {
    let life = TimeToLive(duration: .max)
    life.grow(to: 2)
    life.touch([0, 1], at: [.max, .min], count: 2)
    #expect(expired(life, at: .max - 2) == [1])
    #expect(expired(life, at: .max) == [0])
  }

  @Test("of many slots, touched in blocks, is that of each slot's last touch")
  func many() {
    var generator = SeededGenerator()
    let life = TimeToLive(duration: 10_000)
    life.grow(to: 5_000)
    let slots = (0..<UInt32(5_000)).shuffled(using: &generator)
    life.touch(slots, at: slots.map { Int64($0) }, count: slots.count)
    life.touch(Array(slots[..<2_500]), count: 2_500, at: 6_000)
    for slot in slots[..<2_500] { #expect(life.expiry(of: slot) == 16_000) }
    for slot in slots[2_500...] { #expect(life.expiry(of: slot) == 10_000 + Int64(slot)) }
    #expect(expired(life, at: 15_999) == slots[2_500...].sorted(), "\(generator)")
    #expect(expired(life, at: 16_000).sorted() == slots[..<2_500].sorted(), "\(generator)")
  }
}
