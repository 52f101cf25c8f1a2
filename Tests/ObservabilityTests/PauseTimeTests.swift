import Base
import Synchronization
import TestSupport
import Testing

@testable import Observability

struct PauseTimeTests {
  private func time(_ nanoseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: nanoseconds) }

  @Test("a pause counts while it goes on, and as much when it is over")
  func goesOn() {
    let pause = PauseTime()
    #expect(pause.total(now: time(50)) == 0)
    pause.begin(at: time(100))
    #expect(pause.total(now: time(100)) == 0 && pause.total(now: time(130)) == 30)
    pause.end(at: time(140))
    #expect(pause.total(now: time(140)) == 40 && pause.total(now: time(1000)) == 40)
    pause.add(nanoseconds: 5)
    pause.begin(at: time(2000))
    #expect(pause.total(now: time(2001)) == 46)
    pause.end(at: time(2001))
    pause.end(at: time(3000))
    #expect(pause.total(now: time(9000)) == 46, "an end without a beginning changes nothing")
  }

  @Test("a pause from the clock's first moment on counts too")
  func clockStart() {
    let pause = PauseTime()
    pause.begin(at: time(0))
    #expect(pause.total(now: time(7)) == 7)
    pause.end(at: time(7))
    #expect(pause.total(now: time(8)) == 7)
  }

  @Test("pauses as a list of lengths would add them up")
  func random() {
    var generator = SeededGenerator()
    let pause = PauseTime()
    var (now, sum): (Int64, Int64) = (1 << 40, 0)
    var since: Int64?
    for _ in 0..<1000 {
      now += Int64.random(in: 0..<1_000_000, using: &generator)
      if let start = since {
        #expect(pause.total(now: time(now)) == sum + now - start, "\(generator)")
        if Bool.random(using: &generator) {
          pause.end(at: time(now))
          sum += now - start
          since = nil
        }
      } else {
        #expect(pause.total(now: time(now)) == sum, "\(generator)")
        pause.begin(at: time(now))
        since = now
      }
    }
  }

  @Test("whoever reads beside the writer sees each pause once")
  func readBeside() {
    final class Shared: Sendable {
      let pause = PauseTime()
      let isOver = Atomic<Bool>(false)
    }
    let shared = Shared()
    let start = MonotonicTime.now
    let writer = Thread {
      for _ in 0..<20_000 {
        shared.pause.begin(at: .now)
        shared.pause.end(at: .now)
      }
      shared.isOver.store(true, ordering: .releasing)
    }
    // Twice a pause, or one without its beginning, would be more than all the time that there was.
    var readings = 0
    while !shared.isOver.load(ordering: .acquiring) || readings == 0 {
      let now = MonotonicTime.now
      let total = shared.pause.total(now: now)
      let bound = MonotonicTime.now - start
      #expect(total >= 0 && total <= bound)
      readings += 1
    }
    writer.join()
  }
}
