import Glibc

/// Runs a program to its end, with its output in files: a full pipe cannot stop it.
enum Program {
  struct Outcome {
    /// The exit code, or 128 and the signal.
    var status: Int32
    var output: String
    var errors: String
    var isTimedOut: Bool
  }

  static func run(_ command: [String], scratch: ScratchFolder, limit: Duration) throws -> Outcome {
    let output = scratch.file("stdout")
    let errors = scratch.file("stderr")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var variables = environment()
    defer { for variable in variables { free(variable) } }
    var process = pid_t()
    let status = posix_spawn(&process, command[0], &actions, nil, &arguments, &variables)
    guard status == 0 else {
      throw PipelineTestFailure("\(command[0]) cannot be started: \(String(cString: strerror(status)))")
    }
    let (code, isTimedOut) = wait(for: process, limit: limit)
    return Outcome(
      status: code, output: String(decoding: try ScratchFolder.read(output), as: UTF8.self),
      errors: String(decoding: try ScratchFolder.read(errors), as: UTF8.self), isTimedOut: isTimedOut)
  }

  /// The test's own, and no port for health: tests run side by side.
  private static func environment() -> [UnsafeMutablePointer<CChar>?] {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    var entry = environ
    while let variable = entry.pointee {
      variables.append(strdup(variable))
      entry += 1
    }
    if getenv("VOLLEY_HEALTH_PORT") == nil { variables.append(strdup("VOLLEY_HEALTH_PORT=0")) }
    return variables + [nil]
  }

  /// After the limit the host may stop in order, then it is killed.
  private static func wait(for process: pid_t, limit: Duration) -> (Int32, isTimedOut: Bool) {
    let isTimedOut = !ends(process, within: limit)
    if isTimedOut {
      kill(process, SIGTERM)
      if !ends(process, within: .seconds(5)) { kill(process, SIGKILL) }
    }
    var result: Int32 = 0
    while waitpid(process, &result, 0) < 0 {
      if errno != EINTR { return (127, isTimedOut) }
    }
    let signal = result & 0x7f
    return (signal == 0 ? (result >> 8) & 0xff : 128 + signal, isTimedOut)
  }

  /// Whether the process ends in that time. It is not reaped: its pid stays its own until `waitpid`.
  private static func ends(_ process: pid_t, within limit: Duration) -> Bool {
    // waitid has no limit, and poll does not know processes: a thread waits for the one and tells the other.
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      preconditionFailure("the kernel refuses a pair of sockets: errno \(errno)")
    }
    defer { close(ends[0]) }
    let watch = Unmanaged.passRetained(Watch(process: process, end: ends[1]))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Watch>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, watch.toOpaque())
    precondition(status == 0, "the kernel refuses a thread: errno \(status)")
    pthread_detach(thread)
    let due = ContinuousClock.now + limit
    while true {
      let rest = max(.zero, due - ContinuousClock.now)
      var end = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      let count = poll(&end, 1, Int32(min((rest / .milliseconds(1)).rounded(.up), 3_600_000)))
      if count > 0 { return true }
      if count == 0 && rest == .zero { return false }
    }
  }
}

/// Closes its end of a pair of sockets when a process has ended.
private final class Watch: Sendable {
  private let process: pid_t
  private let end: Int32

  init(process: pid_t, end: Int32) {
    self.process = process
    self.end = end
  }

  func run() {
    var information = siginfo_t()
    while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
    close(end)
  }
}
