import Base
import Glibc
import Synchronization

/// Where a worker says what happens: one JSON object a line to a file descriptor, or to whoever asked for the events.
///
/// May be used from every thread. Events reach the destination one at a time and whole. Logging never fails and never stops
/// a job: a line that cannot be written is counted in `lostLines`. Never log per row.
public final class EventLog: Sendable {
  /// Events below it are dropped before anything is formatted.
  public let minimum: LogLevel
  private let clock: @Sendable () -> EventTime
  private let destination: @Sendable (LogEvent) -> Bool
  private let order = Monitor(())
  private let lost = Atomic<Int>(0)

  /// Writes to a file descriptor, which stays the caller's and open as long as the log is used.
  ///
  /// - Parameter clock: what events are stamped with.
  public init(
    descriptor: Int32 = STDERR_FILENO, minimum: LogLevel = .info,
    clock: @escaping @Sendable () -> EventTime = { EventLog.wallClock() }
  ) {
    self.minimum = minimum
    self.clock = clock
    destination = { event in EventLog.write(event.line, to: descriptor) }
  }

  /// Hands each event to `handler`, which may be called from any thread, by one at a time, and must not log itself.
  public init(
    minimum: LogLevel = .info, clock: @escaping @Sendable () -> EventTime = { EventLog.wallClock() },
    handler: @escaping @Sendable (LogEvent) -> Void
  ) {
    self.minimum = minimum
    self.clock = clock
    destination = { event in
      handler(event)
      return true
    }
  }

  /// Lines that could not be written.
  public var lostLines: Int { lost.load(ordering: .relaxed) }

  /// - Parameters:
  ///   - name: short and stable: "job.started".
  ///   - message: a sentence.
  ///   - values: written behind the message, in this order.
  public func log(
    _ level: LogLevel, _ name: String, _ message: @autoclosure () -> String,
    _ values: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) {
    guard level >= minimum else { return }
    let message = message()
    let values = values().map { (name: $0.key, value: $0.value) }
    order.withLock { _ in
      // Stamped under the lock, so that the lines are in the order of their times.
      let event = LogEvent(time: clock(), level: level, name: name, message: message, values: values)
      if !destination(event) { lost.add(1, ordering: .relaxed) }
    }
  }

  public func debug(
    _ name: String, _ message: @autoclosure () -> String,
    _ values: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) { log(.debug, name, message(), values()) }

  public func info(
    _ name: String, _ message: @autoclosure () -> String,
    _ values: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) { log(.info, name, message(), values()) }

  public func warning(
    _ name: String, _ message: @autoclosure () -> String,
    _ values: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) { log(.warning, name, message(), values()) }

  public func error(
    _ name: String, _ message: @autoclosure () -> String,
    _ values: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) { log(.error, name, message(), values()) }

  /// The machine's clock, in UTC.
  public static func wallClock() -> EventTime {
    EventTime(microseconds: ProcessingTime.wallClock.microseconds)
  }

  /// Writes a line in one call where the kernel takes it in one; false when it could not be written whole.
  private static func write(_ line: String, to descriptor: Int32) -> Bool {
    var text = line
    text += "\n"
    return text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        // Not empty: it has a line break.
        let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if count >= 0 {
          done += count
        } else if errno == EAGAIN {
          // A terminal or pipe that is not blocking and full: it gets a moment, then the line is lost.
          var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          if poll(&request, 1, 100) <= 0 { return false }
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }
}
