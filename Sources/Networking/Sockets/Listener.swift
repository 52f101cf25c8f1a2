import Base
import Synchronization

/// Accepts connections at one port or several, and spreads them over the loops of a group.
///
/// `sockets` belongs to the loop's thread, `openCount` is atomic and the rest never changes: that is what makes it `Sendable`.
public final class Listener: @unchecked Sendable {
  /// Makes a connection's handler, on the connection's loop.
  public typealias MakeHandler = @Sendable (ByteChannel) -> ByteChannelHandler

  /// Where it listens, with the port that it was given where 0 was asked for.
  public let addresses: [SocketAddress]
  let loop: EventLoop
  let group: EventLoopGroup
  let options: ListenerOptions
  private let tls: TLSContext?
  let makeHandler: MakeHandler
  private let report: @Sendable (Failure) -> Void
  private let openCount = Atomic(0)
  private var sockets: [ListeningSocket] = []
  /// When it last reported that it is short of something: once a second is enough.
  private var lastReport: MonotonicTime?

  /// Listens at all of the endpoints, or fails. May block while names are looked up, so not on a loop's thread.
  ///
  /// - Parameters:
  ///   - group: whose loops the connections belong to; the first of them accepts.
  ///   - tls: a server's; nil for none.
  ///   - report: is told, on a loop's thread and at most once a second, when connections are refused or cannot be accepted.
  ///   - handler: makes each connection's handler, on the connection's loop.
  public convenience init(
    at endpoints: [Endpoint], on group: EventLoopGroup, options: ListenerOptions = ListenerOptions(),
    tls: TLSContext? = nil, report: @escaping @Sendable (Failure) -> Void, handler: @escaping MakeHandler
  ) throws(Failure) {
    let bound = try BoundSocket.bind(endpoints, backlog: options.backlog)
    try self.init(bound, group, options, tls, report, handler)
  }

  /// Accepts at a socket that listens already, such as one that another process opened and this one inherited.
  ///
  /// - Parameters:
  ///   - descriptor: from now on the listener's, also when this fails; it does not block any more and is closed on exec. Other
  ///     descriptors of the socket keep its port when this one is closed.
  public convenience init(
    inheriting descriptor: Int32, on group: EventLoopGroup, options: ListenerOptions = ListenerOptions(),
    tls: TLSContext? = nil, report: @escaping @Sendable (Failure) -> Void, handler: @escaping MakeHandler
  ) throws(Failure) {
    try self.init([try BoundSocket.inherit(descriptor)], group, options, tls, report, handler)
  }

  private init(
    _ bound: [BoundSocket], _ group: EventLoopGroup, _ options: ListenerOptions, _ tls: TLSContext?,
    _ report: @escaping @Sendable (Failure) -> Void, _ handler: @escaping MakeHandler
  ) throws(Failure) {
    addresses = bound.map(\.address)
    loop = group.loops[0]
    self.group = group
    self.options = options
    self.tls = tls
    self.report = report
    makeHandler = handler
    let isRunning = loop.execute { [self] in start(bound) }
    guard isRunning else {
      for socket in bound { socket.drop() }
      throw Failure(.software, "'\(addresses[0])' cannot be listened at: the event loop '\(loop.name)' has ended")
    }
  }

  private func start(_ bound: [BoundSocket]) {
    for socket in bound {
      let member = ListeningSocket(self, socket)
      do throws(Failure) {
        try member.begin()
        sockets.append(member)
      } catch {
        report(error.within("nothing is accepted at \(socket.address)"))
      }
    }
  }

  /// Stops listening; connections that are open stay so. From any thread; returns before it is done.
  public func close() {
    loop.execute { [self] in
      for socket in sockets { socket.end() }
      sockets = []
    }
  }

  /// A socket was ended by its loop, and listener and socket no longer need each other. On the listener's loop.
  func forget(_ socket: ListeningSocket) { sockets.removeAll { $0 === socket } }

  /// Connections that are open now.
  public var connectionCount: Int { openCount.load(ordering: .relaxed) }

  /// Takes a connection over, or refuses it.
  func accepted(_ descriptor: Int32, _ peer: SocketAddress) {
    // Only this thread adds to it, so that the limit holds.
    guard openCount.load(ordering: .relaxed) < options.connectionLimit else {
      SocketCalls.reset(descriptor)
      return reportSometimes(
        Failure(
          .io, retryable: true,
          "the connection of \(peer) was refused: \(options.connectionLimit) connections are open, which is the limit; close some or raise it"
        ))
    }
    openCount.wrappingAdd(1, ordering: .relaxed)
    let target = group.next()
    guard target !== loop else { return take(descriptor, peer, target) }
    if !target.execute({ [self] in take(descriptor, peer, target) }) {
      SocketCalls.reset(descriptor)
      openCount.wrappingSubtract(1, ordering: .relaxed)
    }
  }

  /// On the connection's loop.
  private func take(_ descriptor: Int32, _ peer: SocketAddress, _ loop: EventLoop) {
    ByteChannel.accept(
      descriptor, from: peer, on: loop, options: options.connection, tls: tls, handler: makeHandler,
      onClosed: { [self] in _ = openCount.wrappingSubtract(1, ordering: .relaxed) })
  }

  /// On the listener's loop.
  func reportSometimes(_ failure: Failure) {
    if let lastReport, loop.now - lastReport < 1_000_000_000 { return }
    lastReport = loop.now
    report(failure)
  }
}
