import Base
import Glibc
import Observability
import Synchronization
import Testing
import VolleyPlan

struct EventLogTests {
  @Test("an event is one line of JSON: time, level, event, message, then the values in their order")
  func line() {
    let event = LogEvent(
      time: EventTime(microseconds: 1_709_251_199_000_001), level: .warning, name: "disk.slow",
      message: "a \"quoted\"\nline",
      values: [("rows", 3), ("ratio", 0.5), ("path", "/tmp/ä"), ("last", true), ("odd", .double(.nan))])
    #expect(
      event.line
        == #"{"time":"2024-02-29T23:59:59.000001Z","level":"warning","event":"disk.slow","message":"a \"quoted\"\nline","rows":3,"ratio":0.5,"path":"/tmp/ä","last":true,"odd":"nan"}"#
    )
    #expect(event["rows"] == 3 && event["none"] == nil)
  }

  @Test("a handler gets the events at or above the least level, stamped by the clock that was handed in")
  func handler() {
    let events = Mutex<[LogEvent]>([])
    let log = EventLog(
      minimum: .warning, clock: { EventTime(microseconds: 7) },
      handler: { event in events.withLock { $0.append(event) } })
    log.debug("a", "not formatted \(fail())")
    log.info("b", "not formatted \(fail())", ["key": .string(fail())])
    log.warning("c", "kept")
    log.error("d", "kept", ["code": 70])
    let seen = events.withLock { $0 }
    #expect(seen.map(\.name) == ["c", "d"] && seen.map(\.level) == [.warning, .error])
    #expect(seen.allSatisfy { $0.time == EventTime(microseconds: 7) } && seen[1]["code"] == 70)
  }

  private func fail() -> String {
    Issue.record("what is not logged is not formatted")
    return ""
  }

  @Test("lines of many threads reach a descriptor whole, in the order of their times")
  func descriptor() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let now = Atomic<Int64>(0)
    let clock: @Sendable () -> EventTime = {
      EventTime(microseconds: now.add(1, ordering: .relaxed).newValue)
    }
    let log = EventLog(descriptor: ends[1], minimum: .debug, clock: clock)
    let reader = Reader(ends[0])
    let writers = (0..<4).map { writer in
      Thread { for number in 0..<200 { log.info("test", "line", ["writer": .int(writer), "number": .int(number)]) } }
    }
    for writer in writers { writer.join() }
    close(ends[1])
    let lines = reader.lines()
    close(ends[0])
    #expect(lines.count == 800 && log.lostLines == 0)
    var next = [Int64](repeating: 0, count: 4)
    for (index, line) in lines.enumerated() {
      let value = try JSONValue.parse(line)
      guard case .int(let writer) = value["writer"], case .int(let number) = value["number"] else {
        Issue.record("not whole: \(line)")
        return
      }
      #expect(number == next[Int(writer)])
      next[Int(writer)] += 1
      #expect(value["time"] == .string(RFC3339.text(EventTime(microseconds: Int64(index) + 1))))
    }
  }

  @Test("a line that cannot be written is counted and does no other harm")
  func lost() throws {
    let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let log = EventLog(descriptor: descriptor)
    log.info("a", "lost")
    log.info("b", "lost")
    #expect(log.lostLines == 2)
  }

  @Test("levels have names, and names levels")
  func levels() {
    for level in LogLevel.allCases { #expect(LogLevel(name: level.name) == level) }
    #expect(LogLevel(name: "loud") == nil)
    #expect(LogLevel.debug < .info && LogLevel.info < .warning && LogLevel.warning < .error)
  }
}

/// Reads a pipe to its end in a thread, so that its writers never wait for long.
private final class Reader: Sendable {
  private let text = Mutex<[UInt8]>([])
  private let thread = Mutex<Thread?>(nil)

  init(_ descriptor: Int32) {
    let started = Thread { [self] in
      var chunk = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count <= 0 { return }
        text.withLock { $0 += chunk[..<count] }
      }
    }
    thread.withLock { $0 = started }
  }

  func lines() -> [String] {
    thread.withLock { $0 }?.join()
    return text.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n").map(String.init)
  }
}

struct Thread: @unchecked Sendable {  // A handle.
  private let handle: pthread_t

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  init(_ run: @escaping @Sendable () -> Void) {
    var handle = pthread_t()
    let status = pthread_create(
      &handle, nil,
      { body in
        Unmanaged<Body>.fromOpaque(body!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(Body(run)).toOpaque())
    precondition(status == 0, "a test can start a thread")
    self.handle = handle
  }

  func join() { pthread_join(handle, nil) }
}
