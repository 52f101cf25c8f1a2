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
    var process = pid_t()
    let status = posix_spawn(&process, command[0], &actions, nil, &arguments, environ)
    guard status == 0 else {
      throw PipelineTestFailure("\(command[0]) cannot be started: \(String(cString: strerror(status)))")
    }
    let (code, isTimedOut) = wait(for: process, limit: limit)
    return Outcome(
      status: code, output: String(decoding: try ScratchFolder.read(output), as: UTF8.self),
      errors: String(decoding: try ScratchFolder.read(errors), as: UTF8.self), isTimedOut: isTimedOut)
  }

  /// Asks every few milliseconds: there is no portable wait with a limit. After the limit the host may stop in order, then
  /// it is killed.
  private static func wait(for process: pid_t, limit: Duration) -> (Int32, isTimedOut: Bool) {
    let start = ContinuousClock.now
    var isTimedOut = false
    var isKilled = false
    while true {
      var result: Int32 = 0
      let ended = waitpid(process, &result, WNOHANG)
      if ended == process {
        let signal = result & 0x7f
        return (signal == 0 ? (result >> 8) & 0xff : 128 + signal, isTimedOut)
      }
      if ended < 0 && errno != EINTR { return (127, isTimedOut) }
      let elapsed = ContinuousClock.now - start
      if elapsed > limit && !isTimedOut {
        isTimedOut = true
        kill(process, SIGTERM)
      }
      if elapsed > limit + .seconds(5) && !isKilled {
        isKilled = true
        kill(process, SIGKILL)
      }
      usleep(2000)
    }
  }
}
