import Base
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Tables of sessions")
struct SessionTableTests {
  /// A session of a reference: the rows are looked through one by one.
  private struct Known {
    var first: Int64
    var last: Int64
    var rows: Int
  }

  @Test("hold what a list of sessions a key holds, when rows come in any order and sessions end in any")
  func model() {
    var random = SeededGenerator()
    for round in 0..<40 {
      let gap = Int64.random(in: 1...20, using: &random)
      let table = SessionTable(gap: gap)
      let keyCount = Int.random(in: 1...4, using: &random)
      let spread = Int64([30, 300, 3_000].randomElement(using: &random) ?? 30)
      var known = [[Known]](repeating: [], count: keyCount)
      // By slot.
      var rows: [Int] = []
      for _ in 0..<60 {
        let count = Int.random(in: 1...12, using: &random)
        let times = (0..<count).map { _ in Int64.random(in: 0..<spread, using: &random) }
        let keys = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(keyCount), using: &random) }
        var slots = [UInt32](repeating: 0, count: count)
        let late = table.assign(times, keys: keys, count: count, keyCount: keyCount, closed: .min, to: &slots)
        #expect(late == 0)
        rows += [Int](repeating: 0, count: table.slotCount - rows.count)
        for slot in slots { rows[Int(slot)] += 1 }
        for merge in table.merges {
          rows[Int(merge.to)] += rows[Int(merge.from)]
          rows[Int(merge.from)] = 0
          #expect(!table.isOpen(merge.from))
        }
        table.giveBack(table.merges.map(\.from), count: table.merges.count)
        for (time, key) in zip(times, keys) {
          let own = known[Int(key)]
          let reached = own.filter { time > $0.first - gap && time < $0.last + gap }
          let joined = Known(
            first: min(time, reached.map(\.first).min() ?? time), last: max(time, reached.map(\.last).max() ?? time),
            rows: reached.reduce(1) { $0 + $1.rows })
          known[Int(key)] = own.filter { time <= $0.first - gap || time >= $0.last + gap } + [joined]
        }
        table.checkInvariants()
        var open = (0..<UInt32(table.slotCount)).filter { table.isOpen($0) }
        compare(table, open, rows, known, "\(round), \(random)")
        // Some end, in any order.
        open.shuffle(using: &random)
        let ended = Array(open.prefix(Int.random(in: 0...2, using: &random)))
        for slot in ended {
          let (key, session) = (Int(table.key(of: slot)), table.session(of: slot))
          known[key].removeAll { $0.first == session.first }
          #expect(table.end(slot) == known[key].isEmpty)
          #expect(table.hasSession(UInt32(key)) == !known[key].isEmpty)
          rows[Int(slot)] = 0
          table.checkInvariants()
        }
        table.giveBack(ended, count: ended.count)
        if table.slotCount < rows.count { rows.removeLast(rows.count - table.slotCount) }
      }
    }
  }

  private func compare(
    _ table: SessionTable, _ open: [UInt32], _ rows: [Int], _ known: [[Known]], _ comment: String
  ) {
    let found = open.map { slot in
      let session = table.session(of: slot)
      return "\(table.key(of: slot)) \(session.first) \(session.last) \(rows[Int(slot)])"
    }
    let expected = known.enumerated().flatMap { key, sessions in
      sessions.map { "\(key) \($0.first) \($0.last) \($0.rows)" }
    }
    #expect(found.sorted() == expected.sorted(), "\(comment)")
  }

  @Test("have each open session looked at once at its time, and none that was joined to another or has ended")
  func timers() {
    var random = SeededGenerator()
    for round in 0..<40 {
      let gap = Int64.random(in: 1...20, using: &random)
      let (table, timers) = (SessionTable(gap: gap), TimerOrder())
      let keyCount = Int.random(in: 1...40, using: &random)
      // By slot of an open session.
      var scheduled: [UInt32: Int64] = [:]
      for step in 0..<60 {
        let count = Int.random(in: 1...12, using: &random)
        let times = (0..<count).map { _ in Int64(step * 5) + Int64.random(in: 0..<100, using: &random) }
        let keys = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(keyCount), using: &random) }
        var slots = [UInt32](repeating: 0, count: count)
        _ = table.assign(times, keys: keys, count: count, keyCount: keyCount, closed: .min, to: &slots)
        for merge in table.merges { scheduled[merge.from] = nil }
        table.giveBack(table.merges.map(\.from), count: table.merges.count)
        for slot in table.begun where table.isOpen(slot) {
          let time = table.session(of: slot).last + gap
          table.schedule(slot, at: time, timers)
          // A later time changes nothing: the earlier one finds it.
          table.schedule(slot, at: time + 1, timers)
          scheduled[slot] = time
        }
        if step % 7 == 0 { timers.filter { table.counts($0) } }
        let now = Int64(step * 5)
        var looked: [UInt32: Int64] = [:]
        for timer in timers.pop(upTo: now) {
          table.prefetch(timer)
          guard let session = table.take(timer) else { continue }
          #expect(looked.updateValue(timer.time, forKey: session.pointee.slot) == nil, "\(round), \(random)")
          #expect(table.key(of: session.pointee.slot) == timer.tag, "\(round), \(random)")
        }
        #expect(looked == scheduled.filter { $0.value <= now }, "\(round), \(random)")
        for slot in looked.keys.sorted() {
          scheduled[slot] = nil
          if table.session(of: slot).last + gap <= now {
            _ = table.end(slot)
            var slot = slot
            table.giveBack(&slot, count: 1)
          } else {
            scheduled[slot] = table.session(of: slot).last + gap
            table.schedule(slot, at: table.session(of: slot).last + gap, timers)
          }
        }
        #expect(table.takenCount == scheduled.count, "\(round), \(random)")
        table.checkInvariants()
      }
    }
  }

  @Test("what a row and an end cost does not grow with the open sessions of the key", .timeLimit(.minutes(1)))
  func manyOpen() throws {
    let count: Int64 = 100_000
    let run = try WindowRun(.session(.init(gap: 10)), lateness: 10_000_000)
    for first in stride(from: 0, to: count, by: 8_192) {
      let numbers = first..<min(count, first + 8_192)
      try run.operation.process(WindowRun.batch(numbers.map { (1, $0, $0 * 20) }), input: 0, to: run)
      // The row before once more, and the latest session grows at both ends.
      let last = numbers.upperBound - 1
      try run.rows((1, 1, last * 20 + 5), (1, 1, last * 20 - 5), (1, 1, (last - 1) * 20))
      try run.watermark(first * 20)
    }
    #expect(run.takeRows() == [])
    try run.finish()
    let rows = run.takeRows()
    #expect(rows.count == Int(count))
    #expect(rows.first == "1 0 10 1 0")
    #expect(rows.last == "1 \((count - 1) * 20 - 5) \((count - 1) * 20 + 15) 3 \(count + 1)")
  }
}
