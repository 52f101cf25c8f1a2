import TestSupport
import Testing

@testable import State

@Suite("An order of timers")
struct TimerOrderTests {
  /// Timers of one time are known by their slots, which count up.
  @Test("gives timers as a sorted list does, when they are pushed, handed out and dropped in any order")
  func model() {
    var generator = SeededGenerator()
    for round in 0..<60 {
      let order = TimerOrder()
      let reach = Int64([50, 5_000, 3_000_000, 1 << 40].randomElement(using: &generator) ?? 50)
      var waiting: [Timer] = []
      var horizon = Int64.min
      var now = Int64.random(in: -reach...reach, using: &generator)
      var next: UInt32 = 0
      for _ in 0..<40 {
        for _ in 0..<Int.random(in: 0...400, using: &generator) {
          // Some are before what was handed out.
          let timer = Timer(
            time: now + Int64.random(in: -reach / 8...reach, using: &generator), slot: next, tag: next / 3)
          order.push(timer)
          waiting.append(timer)
          next += 1
        }
        if Int.random(in: 0..<5, using: &generator) == 0 {
          order.filter { $0.slot % 3 != 1 }
          waiting.removeAll { $0.slot % 3 == 1 }
        }
        #expect(order.count == waiting.count, "\(round), \(generator)")
        now += Int64.random(in: -reach / 16...reach / 2, using: &generator)
        horizon = max(horizon, now)
        let due = waiting.filter { $0.time <= horizon }.sorted { ($0.time, $0.slot) < ($1.time, $1.slot) }
        waiting.removeAll { $0.time <= horizon }
        var found: [Timer] = []
        while true {
          let limit = Int.random(in: 1...300, using: &generator)
          let timers = order.pop(upTo: now, limit: limit)
          #expect(timers.count <= limit)
          if timers.isEmpty { break }
          found += timers
        }
        #expect(found == due, "\(round), \(generator)")
        #expect(order.nextTime == waiting.map(\.time).min(), "\(round), \(generator)")
      }
      order.removeAll()
      #expect(order.count == 0 && order.nextTime == nil && order.pop(upTo: .max).isEmpty)
    }
  }
}
