import Base
import Glibc

extension Bench {
  /// From starting the host to the first byte of its first record on standard output.
  func startup() throws(Failure) -> BenchResult {
    let plugin = try pluginPath()
    var seconds: [Double] = []
    for _ in 0..<max(10, options.repeats) {
      seconds.append(
        try firstRecord([options.executable, "run", "--plugin", plugin, "--pipeline", "startup", "--report", "none"]))
    }
    var result = BenchResult(name: "startup", threads: 1, rows: 1, seconds: median(seconds), cpuSeconds: 0)
    result.extra.append(("milliseconds", result.seconds * 1000))
    return result
  }

  /// Seconds until the first byte is there. Waits for the program's end before it returns.
  private func firstRecord(_ arguments: [String]) throws(Failure) -> Double {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(.io, "no pipe: \(String(cString: strerror(errno)))") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child = pid_t()
    let clock = ContinuousClock()
    let start = clock.now
    let status = posix_spawn(&child, arguments[0], &actions, nil, &pointers, environ)
    close(ends[1])
    defer { close(ends[0]) }
    guard status == 0 else { throw Failure(.io, "cannot start \(arguments[0]): \(String(cString: strerror(status)))") }
    var byte: UInt8 = 0
    let count = read(ends[0], &byte, 1)
    let elapsed = start.duration(to: clock.now)
    var result: Int32 = 0
    while waitpid(child, &result, 0) < 0 && errno == EINTR {}
    guard count == 1, result == 0 else {
      throw Failure(.software, "\(arguments.joined(separator: " ")) gave no record and ended with the status \(result)")
    }
    return elapsed / .seconds(1)
  }
}
