import Glibc

/// A signal by number, as a sentence calls it.
struct SignalName: Sendable, Hashable, CustomStringConvertible {
  var number: Int32

  init(_ number: Int32) { self.number = number }

  var description: String {
    guard let known = Self.known[number] else { return "signal \(number)" }
    return "\(known.0) (\(known.1))"
  }

  private static let known: [Int32: (String, String)] = [
    SIGHUP: ("SIGHUP", "hangup"), SIGINT: ("SIGINT", "interrupt"), SIGQUIT: ("SIGQUIT", "quit"),
    SIGILL: ("SIGILL", "illegal instruction"), SIGTRAP: ("SIGTRAP", "trap"), SIGABRT: ("SIGABRT", "abort"),
    SIGBUS: ("SIGBUS", "bus error"), SIGFPE: ("SIGFPE", "arithmetic error"), SIGKILL: ("SIGKILL", "killed"),
    SIGSEGV: ("SIGSEGV", "invalid memory access"), SIGPIPE: ("SIGPIPE", "broken pipe"),
    SIGTERM: ("SIGTERM", "terminated"), SIGXCPU: ("SIGXCPU", "CPU time limit"),
    SIGSYS: ("SIGSYS", "forbidden system call"),
    SIGXFSZ: ("SIGXFSZ", "file size limit"),
  ]
}
