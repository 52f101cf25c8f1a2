import Base
import TestSupport
import Testing

@testable import Dataflow

struct RingTests {
  @Test("a ring gives what was put in, in order")
  func order() {
    var generator = SeededGenerator()
    var ring = Ring<Int>()
    var model: [Int] = []
    for number in 0..<2000 {
      if Bool.random(using: &generator) || model.isEmpty && Bool.random(using: &generator) {
        ring.append(number)
        model.append(number)
      } else {
        #expect(ring.peek == model.first, "\(generator)")
        #expect(ring.popFirst() == (model.isEmpty ? nil : model.removeFirst()), "\(generator)")
      }
      #expect(ring.count == model.count && ring.isEmpty == model.isEmpty, "\(generator)")
    }
  }

  @Test("a ring does not keep what was taken from it alive")
  func releases() {
    final class Thing {}
    var ring = Ring<Thing>()
    weak var kept: Thing?
    do {
      let thing = Thing()
      kept = thing
      ring.append(thing)
    }
    #expect(kept != nil)
    _ = ring.popFirst()
    #expect(kept == nil)
  }
}

struct TimerHeapTests {
  @Test("timers come in the order of their times, and not before")
  func order() {
    var generator = SeededGenerator()
    for size in 0..<40 {
      var heap = TimerHeap<Int>()
      let times = (0..<size).map { _ in Int64.random(in: 0..<20, using: &generator) }
      for (index, time) in times.enumerated() { heap.insert(index, at: MonotonicTime(nanoseconds: time)) }
      #expect(heap.earliest?.nanoseconds == times.min(), "\(generator)")
      var given: [Int64] = []
      for now in Int64(0)..<20 {
        while let (time, element) = heap.popDue(now: MonotonicTime(nanoseconds: now)) {
          #expect(time.nanoseconds == now && times[element] == now, "\(generator)")
          given.append(now)
        }
      }
      #expect(given == times.sorted() && heap.count == 0, "\(generator)")
    }
  }
}
