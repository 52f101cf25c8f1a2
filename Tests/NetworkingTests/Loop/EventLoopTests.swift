import Base
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Networking

/// Work, timers and the end of a loop.
@Suite("Event loop")
struct EventLoopTests {
  @Test("What a thread posts runs in its order, on the loop's thread")
  func order() throws {
    let loop = try EventLoop(name: "test loop")
    let seen = Monitor<[[Int]]>([[], [], [], []])
    let threads = try (0..<4).map { thread in
      try OSThread(name: "poster") {
        for index in 0..<2_000 {
          loop.execute {
            #expect(loop.isCurrent)
            seen.withLock { $0[thread].append(index) }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    loop.stop()
    #expect(seen.withLock { $0 }.allSatisfy { $0 == Array(0..<2_000) })
    #expect(!loop.isCurrent)
  }

  @Test("A loop that is busy, or has been woken, is not woken again")
  func wakeups() throws {
    let loop = try EventLoop(name: "test loop")
    let gate = Monitor(false)
    let isIn = Monitor(false)
    loop.execute {
      isIn.withLock { $0 = true }
      isIn.signal()
      _ = gate.wait { $0 ? true : nil }
    }
    _ = isIn.wait { $0 ? true : nil }
    let before = loop.wakeupCount
    for _ in 0..<1_000 { loop.execute {} }
    #expect(loop.wakeupCount == before)
    gate.withLock { $0 = true }
    gate.signal()
    loop.stop()
    #expect(loop.wakeupCount <= before + 1)
  }

  @Test("A signal that is raised many times runs once, and runs again when it is raised while it runs")
  func signals() throws {
    let loop = try EventLoop(name: "test loop")
    let count = Monitor(0)
    let signal = LoopSignal(on: loop) {
      count.withLock { $0 += 1 }
      count.broadcast()
    }
    loop.execute { for _ in 0..<100 { signal.raise() } }
    _ = count.wait { $0 > 0 ? true : nil }
    onLoop(loop) {}
    #expect(count.withLock { $0 } == 1)
    signal.raise()
    #expect(count.wait(until: .now + 30_000_000_000) { $0 == 2 ? true : nil } == true)
    loop.stop()
    #expect(!signal.raise())
  }

  @Test("What a test has run on a loop is let go when it goes on, so that the loop never frees what ends it")
  func letGo() throws {
    final class Kept: Sendable {}
    let loop = try EventLoop(name: "test loop")
    var late = 0
    for _ in 0..<2_000 {
      weak var seen: Kept?
      do {
        let kept = Kept()
        seen = kept
        onLoop(loop) { withExtendedLifetime(kept) {} }
      }
      if seen != nil { late += 1 }
    }
    #expect(late == 0)
    loop.stop()
  }

  @Test("What is to run soon runs after its caller returned, and nobody keeps others waiting")
  func soon() throws {
    let loop = try EventLoop(name: "test loop")
    let log = Monitor<[String]>([])
    /// Asks for another turn each time.
    final class Greedy: LoopMember, @unchecked Sendable {
      let loop: EventLoop
      var turns = 0
      var isOver = false
      init(_ loop: EventLoop) { self.loop = loop }
      override func turn() {
        turns += 1
        if !isOver { loop.turnAgain(self) }
      }
    }
    let greedy = Greedy(loop)
    loop.execute {
      loop.runSoon {
        log.withLock { $0.append("soon") }
        loop.turnAgain(greedy)
        loop.turnAgain(greedy)
      }
      log.withLock { $0.append("now") }
    }
    loop.execute { log.withLock { $0.append("posted") } }
    // Goes on beside the greedy one: posted work and timers do.
    let timer = Monitor(false)
    loop.execute {
      loop.schedule(after: .milliseconds(5)) {
        timer.withLock { $0 = true }
        timer.signal()
      }
    }
    #expect(timer.wait(until: .now + 30_000_000_000) { $0 ? true : nil } == true)
    let (turns, numbers) = onLoop(loop) {
      greedy.isOver = true
      return (greedy.turns, loop.turnNumber)
    }
    #expect(turns > 1 && turns <= numbers)
    #expect(log.withLock { $0 } == ["now", "posted", "soon"])
    loop.stop()
  }

  @Test("The heap of timers gives them in the order of their deadlines, whatever is moved and cancelled")
  func heap() throws {
    var random = SeededGenerator()
    let loop = try EventLoop(name: "test loop")
    defer { loop.stop() }
    let seeds = (0..<20).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
    for seed in seeds {
      onLoop(loop) {
        var random = SeededGenerator(seed: seed)
        let seedText = random.description
        let far = MonotonicTime.now + 3_600_000_000_000
        let timers = (0..<40).map { _ in loop.timer {} }
        var model: [Int: MonotonicTime] = [:]
        for _ in 0..<400 {
          let index = Int.random(in: 0..<timers.count, using: &random)
          if Int.random(in: 0..<3, using: &random) == 0 {
            timers[index].cancel()
            model[index] = nil
          } else {
            let deadline = far + Int64.random(in: 0..<50, using: &random)
            timers[index].set(at: deadline)
            model[index] = deadline
          }
          #expect(loop.timers.isOrdered && loop.timerCount == model.count, "\(seedText)")
          #expect(timers.indices.allSatisfy { timers[$0].isSet == (model[$0] != nil) }, "\(seedText)")
        }
        for timer in timers { timer.cancel() }
        #expect(loop.timerCount == 0)
      }
    }
  }

  @Test("Timers run once each, not early, in order; cancelled ones do not; one that sets itself anew starves nobody")
  func timers() throws {
    let loop = try EventLoop(name: "test loop")
    struct Log {
      var fired: [Int] = []
      var early = 0
      var repeats = 0
    }
    let log = Monitor(Log())
    loop.execute {
      let start = MonotonicTime.now
      for delay in [30, 10, 20, 0, 10] {
        loop.schedule(after: .milliseconds(delay)) {
          let late = MonotonicTime.now - start - Int64(delay) * 1_000_000
          log.withLock {
            $0.fired.append(delay)
            if late < 0 { $0.early += 1 }
          }
          log.signal()
        }
      }
      loop.schedule(after: .milliseconds(15)) { log.withLock { $0.fired.append(-1) } }.cancel()
      var again: LoopTimer?
      again = loop.timer {
        log.withLock { $0.repeats += 1 }
        if log.withLock({ $0.fired.count }) < 5 { again?.set(after: .zero) } else { again = nil }
      }
      again?.set(after: .zero)
    }
    #expect(log.wait(until: .now + 30_000_000_000) { $0.fired.count == 5 ? true : nil } == true)
    loop.stop()
    let end = log.withLock { $0 }
    #expect(end.fired == [0, 10, 10, 20, 30] && end.early == 0 && end.repeats > 1)
  }

  @Test("Stopping runs what was posted before, from several threads at once, and refuses what comes later")
  func stopping() throws {
    let loop = try EventLoop(name: "test loop")
    let count = Monitor(0)
    for _ in 0..<100 {
      loop.execute { loop.execute { loop.runSoon { count.withLock { $0 += 1 } } } }
    }
    let threads = try (0..<3).map { _ in try OSThread(name: "stopper") { loop.stop() } }
    loop.stop()
    #expect(count.withLock { $0 } == 100)
    for thread in threads { thread.join() }
    #expect(!loop.execute { Issue.record("it ran after the end") })
  }

  @Test("The thread has the loop's name, and a group's loops take turns")
  func group() throws {
    let group = try EventLoopGroup(name: "net", count: 3)
    let names = Monitor<Set<String>>([])
    for _ in 0..<6 {
      onLoop(group.next()) {
        let name = TestProcess.contents(of: "/proc/thread-self/comm") ?? []
        _ = names.withLock { $0.insert(String(decoding: name.dropLast(), as: UTF8.self)) }
      }
    }
    #expect(names.withLock { $0 } == ["net 0", "net 1", "net 2"])
    group.stop()
  }

  @Test("Loops that have ended leave no descriptor and no thread behind")
  func nothingLeft() async {
    await #expect(processExitsWith: .success) {
      func count(_ folder: String) -> Int {
        let directory = opendir(folder)!
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
      }
      try EventLoop(name: "warm").stop()
      let descriptors = count("/proc/self/fd")
      for _ in 0..<20 { try EventLoopGroup(name: "gone", count: 4).stop() }
      precondition(count("/proc/self/fd") == descriptors, "descriptors are left")
    }
  }

  @Test("What belongs to a loop ends the process with a sentence when it is used on another thread")
  func wrongThread() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let loop = try EventLoop(name: "test loop")
      loop.runSoon {}
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("get there with execute"))
  }
}
