import Base
import CPlatform
import Glibc

/// What the kernel alone does: bytes from one process to another, and a ping-pong.
enum BareTCP {
  /// Bytes of a write and of a read.
  static let block = 256 << 10
  /// Bytes of a ping: those of an empty message of gRPC in a DATA frame.
  static let ping = 14

  // MARK: The server's side, each on a thread of its own, for ever

  /// Is told on each connection how many bytes come, as 8 of them, reads those, answers with as many as there were, and
  /// so on. One connection after the other.
  static func sink(_ listener: Int32) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: block, alignment: 4096)
    while true {
      let descriptor = BenchSocket.accept(listener)
      while let expected = BenchSocket.receiveNumber(descriptor) {
        var total = 0
        while total < expected {
          let count = recv(descriptor, memory.baseAddress, min(memory.count, expected - total), 0)
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { break }
          total += count
        }
        guard BenchSocket.sendNumber(total, to: descriptor) else { break }
      }
      close(descriptor)
    }
  }

  /// Sends back what comes, connection after connection, and waits with epoll.
  static func pong(_ listener: Int32) {
    while true {
      let descriptor = BenchSocket.accept(listener)
      guard let epoll = try? PingSocket(descriptor) else {
        close(descriptor)
        continue
      }
      while epoll.receive(), epoll.send() {}
      epoll.close()
    }
  }

  // MARK: The client's side

  /// Nanoseconds that each of so many pings took to be answered.
  static func roundTrips(to port: UInt16, count: Int) throws(Failure) -> [Int64] {
    let socket = try PingSocket(BenchSocket.connect(port))
    defer { socket.close() }
    var times: [Int64] = []
    times.reserveCapacity(count)
    for _ in 0..<count {
      let start = MonotonicTime.now
      guard socket.send(), socket.receive() else { throw Failure(.io, "the bare TCP ping-pong broke") }
      times.append(MonotonicTime.now - start)
    }
    return times
  }
}

/// A connection to a ``BareTCP/sink(_:)``. It stays for all rounds, as Flight's does, so that its windows are wide.
final class BareSender {
  private let descriptor: Int32
  private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: BareTCP.block, alignment: 4096)

  /// - Parameter congestionControl: of tcp(7); nil for the system's.
  init(to port: UInt16, congestionControl: String?) throws(Failure) {
    descriptor = try BenchSocket.connect(port)
    if let name = congestionControl, !BenchSocket.setCongestionControl(descriptor, name) {
      throw Failure(.io, "this kernel has no congestion control '\(name)': \(BenchSocket.reason)")
    }
    for index in block.indices { block[index] = UInt8(truncatingIfNeeded: index) }
  }

  deinit {
    close(descriptor)
    block.deallocate()
  }

  /// How its congestion is controlled.
  var congestionControl: String { BenchSocket.congestionControl(descriptor) ?? "unknown" }

  /// Sends so many bytes, rounded to whole blocks. Gigabytes a second until the sink has told that it has them.
  func rate(bytes: Int) throws(Failure) -> Double {
    let count = max(1, bytes / block.count)
    let start = MonotonicTime.now
    var isSent = BenchSocket.sendNumber(count * block.count, to: descriptor)
    for _ in 0..<count where isSent { isSent = BenchSocket.sendAll(UnsafeRawBufferPointer(block), to: descriptor) }
    guard isSent, let total = BenchSocket.receiveNumber(descriptor) else {
      throw Failure(.io, "the bare TCP connection broke: \(BenchSocket.reason)")
    }
    let elapsed = MonotonicTime.now - start
    guard total == count * block.count else {
      throw Failure(.software, "of \(count * block.count) bytes over bare TCP \(total) were received")
    }
    return Double(total) / Double(elapsed)
  }
}

/// A socket that does not block, with an epoll of its own.
private struct PingSocket {
  private let descriptor: Int32
  private let epoll: Int32

  /// - Parameter descriptor: is its own from here on, unless it fails.
  init(_ descriptor: Int32) throws(Failure) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    epoll = platform_epoll_make()
    guard epoll >= 0, platform_epoll_add(epoll, descriptor, 0) == 0 else {
      throw Failure(.io, "no epoll: \(BenchSocket.reason)")
    }
  }

  func close() {
    Glibc.close(descriptor)
    Glibc.close(epoll)
  }

  /// A ping always fits into the socket's buffer.
  func send() -> Bool {
    withUnsafeTemporaryAllocation(byteCount: BareTCP.ping, alignment: 1) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 1)
      return BenchSocket.sendAll(UnsafeRawBufferPointer(bytes), to: descriptor)
    }
  }

  /// Waits for a ping, whole.
  func receive() -> Bool {
    withUnsafeTemporaryAllocation(byteCount: BareTCP.ping, alignment: 1) { bytes in
      var left = BareTCP.ping
      var ready = platform_ready()
      while left > 0 {
        guard platform_epoll_wait(epoll, &ready, 1, -1) >= 0 else { return false }
        let count = recv(descriptor, bytes.baseAddress, left, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { continue }
        guard count > 0 else { return false }
        left -= count
      }
      return true
    }
  }
}
