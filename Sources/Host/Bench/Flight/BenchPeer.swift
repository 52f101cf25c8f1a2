import Base
import CPlatform
import Glibc

/// A process that this one started, and a socket on which they speak in lines. It is killed when this process ends,
/// however that comes about. Made and ended on the main thread, as the kernel ties the two by the thread that started it.
final class BenchPeer {
  private let name: String
  private let process: pid_t
  private let lines: BenchLines
  private var isEnded = false

  /// - Parameters:
  ///   - name: for messages.
  ///   - path: of the program.
  ///   - arguments: with the program's own name, given the number of the socket's descriptor in the new process.
  init(_ name: String, _ path: String, _ arguments: (_ descriptor: Int32) -> [String]) throws(Failure) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw Failure(.io, "no pair of sockets for \(name): \(BenchSocket.reason)")
    }
    // The other end is the new process's own.
    _ = fcntl(ends[1], F_SETFD, 0)
    let process = withCStrings(arguments(ends[1])) { platform_spawn_child(path, $0, environ) }
    let reason = BenchSocket.reason
    close(ends[1])
    guard process > 0 else {
      close(ends[0])
      throw Failure(.io, "\(name) cannot be started from \(path): \(reason)")
    }
    self.name = name
    self.process = process
    lines = BenchLines(ends[0])
    // Nothing that is asked takes so long.
    var limit = timeval(tv_sec: 300, tv_usec: 0)
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { end() }

  /// Kills it.
  func end() {
    guard !isEnded else { return }
    isEnded = true
    lines.close()
    kill(process, SIGKILL)
    while waitpid(process, nil, 0) < 0 && errno == EINTR {}
  }

  /// Its next line.
  func receive() throws(Failure) -> String {
    if let line = lines.receive() { return line }
    throw Failure(.software, "\(name) ended, or said nothing for five minutes")
  }

  func ask(_ question: String) throws(Failure) -> String {
    guard lines.send(question) else { throw Failure(.software, "\(name) has ended") }
    return try receive()
  }

  /// The words of its answer, which all have to be numbers.
  func numbers(_ answer: String, count: Int) throws(Failure) -> [Double] {
    let words = answer.split(separator: " ").map { Double($0) }
    let numbers = words.compactMap { $0 }
    guard numbers.count == count, words.count == count else {
      throw Failure(.software, "\(name) said '\(answer)', where \(count) numbers are expected")
    }
    return numbers
  }
}

/// Lines of text over a socket. One thread.
final class BenchLines {
  private let descriptor: Int32
  private var pending: [UInt8] = []

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  func close() { Glibc.close(descriptor) }

  /// - Returns: false when the other end is gone.
  func send(_ line: String) -> Bool {
    Array((line + "\n").utf8).withUnsafeBytes { BenchSocket.sendAll($0, to: descriptor) }
  }

  /// nil at the end, and when the socket's time is up.
  func receive() -> String? {
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeSubrange(...end)
        return line
      }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &bytes, bytes.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      pending += bytes[..<count]
    }
  }
}
