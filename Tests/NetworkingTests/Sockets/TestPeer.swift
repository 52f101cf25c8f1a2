import Base
import Glibc

@testable import Networking

/// What a test's handler saw.
struct PeerLog {
  var connected = 0
  var applicationProtocol: String?
  var bytes: [UInt8] = []
  /// Bytes by the loop's turn in which they came.
  var perTurn: [Int: Int] = [:]
  var received = 0
  var receivedAll = 0
  var ended = 0
  var rooms = 0
  var closed = 0
  var failure: Failure?
  /// Calls that came after the last one, or from within the handler's own.
  var wrongCalls = 0
}

/// One end of a connection in a test: keeps what its handler saw, where the test's thread can wait for it.
final class TestPeer: Sendable {
  let log = Monitor(PeerLog())
  private let made = Monitor<ByteChannel?>(nil)

  /// What the handler does beyond taking notes; all on the loop.
  struct Behaviour: Sendable {
    var connected: @Sendable (ByteChannel) -> Void = { _ in }
    var received: @Sendable (ByteChannel, UnsafeRawBufferPointer) -> Void = { _, _ in }
    var receivedAll: @Sendable (ByteChannel) -> Void = { _ in }
    var hasRoom: @Sendable (ByteChannel) -> Void = { _ in }
    var afterEnd = ByteChannelHandler.AfterEnd.close
    var keepsBytes = true
  }

  let behaviour: Behaviour

  init(_ behaviour: Behaviour = Behaviour()) { self.behaviour = behaviour }

  /// Sends back what it receives, and reads no more while much of it waits.
  static func echo() -> TestPeer {
    var behaviour = Behaviour()
    behaviour.received = { channel, bytes in
      channel.output.append(copying: bytes)
      if channel.output.byteCount > 1 << 20 { channel.pauseReading() }
    }
    behaviour.receivedAll = { $0.flush() }
    behaviour.hasRoom = { $0.resumeReading() }
    behaviour.keepsBytes = false
    return TestPeer(behaviour)
  }

  func handler(_ channel: ByteChannel) -> ByteChannelHandler {
    made.withLock { $0 = channel }
    made.broadcast()
    return Handler(self, channel)
  }

  /// The channel, once there is one.
  var channel: ByteChannel {
    guard let channel = made.wait(until: .now + TestPeer.patience, for: { $0 }) else {
      fatalError("no connection was made")
    }
    return channel
  }

  static let patience: Int64 = 60_000_000_000

  /// Waits until the log is as the condition wants it; false when it never was.
  func wait(_ condition: (PeerLog) -> Bool) -> Bool {
    log.wait(until: .now + Self.patience) { condition($0) ? true : nil } ?? false
  }

  var now: PeerLog { log.withLock { $0 } }

  /// Runs `body` on the channel's loop.
  func onLoop<Result>(_ body: @escaping @Sendable (ByteChannel) -> Result) -> Result {
    let channel = channel
    return NetworkingTests.onLoop(channel.loop) { body(channel) }
  }

  /// Appends the bytes and flushes.
  func send(_ bytes: [UInt8]) {
    onLoop { channel in
      channel.output.append(copying: bytes)
      channel.flush()
    }
  }

  private final class Handler: ByteChannelHandler {
    let peer: TestPeer
    let channel: ByteChannel
    /// A call is under way: another one would come from within it.
    private var isBusy = false

    init(_ peer: TestPeer, _ channel: ByteChannel) {
      self.peer = peer
      self.channel = channel
    }

    private func note(_ change: (inout PeerLog) -> Void, after action: () -> Void = {}) {
      let wasBusy = isBusy
      isBusy = true
      action()
      isBusy = wasBusy
      peer.log.withLock {
        if wasBusy || $0.closed > 0 || !channel.loop.isCurrent { $0.wrongCalls += 1 }
        change(&$0)
      }
      peer.log.broadcast()
    }

    override func connected(applicationProtocol: String?) {
      note(
        {
          $0.connected += 1
          $0.applicationProtocol = applicationProtocol
        }, after: { peer.behaviour.connected(channel) })
    }

    override func received(_ bytes: UnsafeRawBufferPointer) {
      note(
        {
          if peer.behaviour.keepsBytes { $0.bytes += bytes }
          $0.perTurn[channel.loop.turnNumber, default: 0] += bytes.count
          $0.received += 1
          if bytes.isEmpty || $0.connected != 1 { $0.wrongCalls += 1 }
        }, after: { peer.behaviour.received(channel, bytes) })
    }

    override func receivedAll() { note({ $0.receivedAll += 1 }, after: { peer.behaviour.receivedAll(channel) }) }

    override func receivedEnd() -> AfterEnd {
      note({ $0.ended += 1 })
      return peer.behaviour.afterEnd
    }

    override func hasRoom() { note({ $0.rooms += 1 }, after: { peer.behaviour.hasRoom(channel) }) }

    override func closed(_ failure: Failure?) {
      note({
        $0.closed += 1
        $0.failure = failure
      })
    }
  }
}

/// A listener on this machine with the peers that it accepted.
final class TestServer: Sendable {
  let listener: Listener
  let accepted: Monitor<[TestPeer]>
  let reports: Monitor<[Failure]>

  init(
    _ group: EventLoopGroup, options: ListenerOptions = ListenerOptions(), at host: String = "127.0.0.1",
    tls: TLSContext? = nil, _ make: @escaping @Sendable () -> TestPeer = { TestPeer() }
  ) throws {
    let accepted = Monitor<[TestPeer]>([])
    let reports = Monitor<[Failure]>([])
    self.accepted = accepted
    self.reports = reports
    listener = try Listener(
      at: [Endpoint(host: host, port: 0)], on: group, options: options, tls: tls,
      report: { failure in
        reports.withLock { $0.append(failure) }
        reports.broadcast()
      },
      handler: { channel in
        let peer = make()
        let handler = peer.handler(channel)
        accepted.withLock { $0.append(peer) }
        accepted.broadcast()
        return handler
      })
  }

  var endpoint: Endpoint { Endpoint(host: listener.addresses[0].host, port: listener.addresses[0].port) }

  /// The peer of the connection accepted as that number.
  func peer(_ index: Int = 0) -> TestPeer {
    guard let peer = accepted.wait(until: .now + TestPeer.patience, for: { $0.count > index ? $0[index] : nil })
    else { fatalError("no connection was accepted") }
    return peer
  }

  /// Waits until that many connections are open.
  func hasConnections(_ count: Int) -> Bool {
    let end = MonotonicTime.now + TestPeer.patience
    while listener.connectionCount != count {
      if MonotonicTime.now > end { return false }
      sched_yield()
    }
    return true
  }
}

extension TestPeer {
  /// Connects a new peer.
  static func connect(
    to endpoint: Endpoint, on loop: EventLoop, options: ConnectionOptions = ConnectionOptions(),
    tls: TLSContext? = nil, serverName: String? = nil, resolver: NameResolver = .system,
    _ behaviour: Behaviour = Behaviour()
  ) -> TestPeer {
    let peer = TestPeer(behaviour)
    ByteChannel.connect(
      to: endpoint, on: loop, options: options, tls: tls, serverName: serverName, resolver: resolver,
      handler: { peer.handler($0) })
    return peer
  }
}

/// A socket that blocks: the other side of a connection, without anything of ours.
final class PlainSocket: @unchecked Sendable {  // Used by one thread at a time.
  var descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Listens at a free port of this machine.
  static func listening(backlog: Int32 = 16) -> PlainSocket {
    let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let status = SocketAddress(.v4(0x7F00_0001), port: 0).withSockaddr { bind(made, $0, $1) }
    precondition(status == 0 && listen(made, backlog) == 0)
    return PlainSocket(made)
  }

  static func connected(to endpoint: Endpoint) -> PlainSocket {
    let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let address = SocketAddress(digits: endpoint.host, port: endpoint.port)!
    let status = address.withSockaddr { Glibc.connect(made, $0, $1) }
    precondition(status == 0, "errno \(errno)")
    return PlainSocket(made)
  }

  var endpoint: Endpoint {
    let address = SocketCalls.ownAddress(descriptor)!
    return Endpoint(host: address.host, port: address.port)
  }

  func accept() -> PlainSocket { PlainSocket(Glibc.accept(descriptor, nil, nil)) }

  func write(_ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      precondition(count > 0, "errno \(errno)")
      done += count
    }
  }

  /// Reads as many bytes, or up to the end; nil when the connection was reset.
  func read(_ count: Int = .max) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < count {
      let got = recv(descriptor, &chunk, min(chunk.count, count - bytes.count), 0)
      if got < 0 { return nil }
      if got == 0 { break }
      bytes += chunk[..<got]
    }
    return bytes
  }

  func end() { shutdown(descriptor, Int32(SHUT_WR)) }

  func reset() {
    SocketCalls.reset(descriptor)
    descriptor = -1
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}

/// Bytes that differ from place to place.
func pattern(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
    var index = 0
    while index < count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      withUnsafeBytes(of: state ^ state >> 29) { word in
        let part = min(8, count - index)
        UnsafeMutableRawBufferPointer(bytes)[index..<(index + part)].copyBytes(from: word[..<part])
      }
      index += 8
    }
    filled = count
  }
}
