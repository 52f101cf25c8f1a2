import Base
import Glibc

/// A server in a process of its own, which prints the port at which it listens, and ends when its standard input does, so also
/// when this process is gone.
public final class PeerProcess: Sendable {
  public let port: UInt16
  private let pid: pid_t
  private let input: Int32

  private init(_ port: UInt16, _ pid: pid_t, _ input: Int32) {
    self.port = port
    self.pid = pid
    self.input = input
  }

  deinit {
    close(input)
    Self.reap(pid)
  }

  /// Ends it at once, as a crash does.
  public func kill() { _ = Glibc.kill(pid, SIGKILL) }

  /// Starts a Python program, and waits until it listens.
  ///
  /// - Parameter script: its path in the folder of the tests.
  public static func python(script: String, arguments: [String] = []) async throws -> PeerProcess {
    let script = "\(TestEnvironment.repository)/Tests/\(script)"
    return try await withCheckedThrowingContinuation { continuation in
      do throws(Failure) {
        // A thread that may wait.
        try OSThread(name: "peer") {
          continuation.resume(with: Result { try start(["python3", script] + arguments) })
        }.detach()
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  private static func start(_ arguments: [String]) throws -> PeerProcess {
    // Both ways; other children, which tests start at the same time, must not keep it open.
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Failure(.io, "there are no sockets: errno \(errno)") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var pid = pid_t()
    let status = posix_spawnp(&pid, arguments[0], &actions, nil, &pointers, environ)
    close(ends[1])
    guard status == 0 else {
      close(ends[0])
      throw Failure(.io, "cannot run \(arguments[0]): errno \(status)")
    }
    guard let port = readNumber(ends[0]) else {
      close(ends[0])
      reap(pid)
      throw Failure(.io, "\(arguments) ended before it listened; its errors are among this process's")
    }
    return PeerProcess(port, pid, ends[0])
  }

  /// The number on the first line.
  private static func readNumber(_ descriptor: Int32) -> UInt16? {
    var text = ""
    var byte: UInt8 = 0
    while true {
      let count = read(descriptor, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1 else { return nil }
      if byte == UInt8(ascii: "\n") { return UInt16(text) }
      text.append(Character(UnicodeScalar(byte)))
    }
  }

  /// Takes its status, on a thread that may wait.
  private static func reap(_ pid: pid_t) {
    try? OSThread(name: "peer") {
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }.detach()
  }
}
