import Glibc
import Observability
import Synchronization

/// Standard error while a job runs: events, and on a terminal a status line that is redrawn in place below them.
final class Console: Sendable {
  enum Style: Sendable {
    /// Sentences for a person.
    case terminal
    /// One JSON object a line.
    case json
  }

  let style: Style
  let log: EventLog
  private let screen: Screen

  /// - Parameter format: `auto` writes sentences on a terminal.
  init(_ format: LogFormat, isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
    let screen = Screen()
    self.screen = screen
    if format == .auto && isTerminal {
      style = .terminal
      log = EventLog { event in if !Self.repeats(event) { screen.print("volley-host: \(oneLine(event.message))") } }
    } else {
      style = .json
      log = EventLog { event in if !Self.repeats(event) { complain(event.line) } }
    }
  }

  /// A job's failure is thrown as well, and told once, with its exit code.
  private static func repeats(_ event: LogEvent) -> Bool { event.name == "job.failed" }

  /// Draws the status line; an empty one removes it. Only on a terminal.
  func show(_ status: String) {
    if style == .terminal { screen.show(status) }
  }

  /// Removes what another process left on the line where the cursor stands. Only on a terminal.
  static func clearTerminalLine() {
    if isatty(STDERR_FILENO) == 1 { _ = writeAll(Array(Screen.clear.utf8), to: STDERR_FILENO) }
  }

  /// Columns of the terminal; 80 when it does not say.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}

/// What stands on the terminal's last line.
private final class Screen: Sendable {
  private let status = Mutex("")
  /// Back to the first column, then clear to the end of the line.
  static let clear = "\r\u{1B}[K"

  func show(_ text: String) {
    status.withLock { status in
      if text == status { return }
      status = text
      write(Self.clear + text)
    }
  }

  func print(_ line: String) {
    status.withLock { status in
      write(status.isEmpty ? line + "\n" : Self.clear + line + "\n" + status)
    }
  }

  private func write(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }
}
