import Base
import CPlatform
import Glibc

extension ByteChannel {
  /// What a channel knows while it connects.
  struct Connecting {
    let target: Endpoint
    let resolver: NameResolver
    let deadline: MonotonicTime
    var question: NameQuestion?
    /// Addresses that have not been tried.
    var left: ArraySlice<SocketAddress> = []
    /// The one that is being tried.
    var current: SocketAddress?
    /// What became of the others.
    var tried: [String] = []
    /// Runs out when an address takes too long.
    var timer: LoopTimer?

    func cancel() {
      question?.cancel()
      timer?.cancel()
    }
  }

  /// Connects to a host, by name or address; where a name has several addresses, to the first that answers, tried in turn.
  /// From any thread.
  ///
  /// - Parameters:
  ///   - tls: a client's; nil for none.
  ///   - serverName: the name or address that the server's certificate has to be for; nil: the target's host.
  ///   - handler: makes the channel's handler, on the loop's thread. Not called when the loop has ended.
  /// - Returns: the channel, which may be told to close at once.
  @discardableResult
  public static func connect(
    to target: Endpoint, on loop: EventLoop, options: ConnectionOptions = ConnectionOptions(),
    tls: TLSContext? = nil, serverName: String? = nil, resolver: NameResolver = .system,
    handler: @escaping @Sendable (ByteChannel) -> ByteChannelHandler
  ) -> ByteChannel {
    let channel = ByteChannel(loop, options, phase: .connecting, peerName: target.description)
    channel.tlsContext = tls
    channel.serverName = serverName ?? target.host
    loop.execute {
      guard channel.phase == .connecting else { return }
      channel.handler = handler(channel)
      channel.beginConnecting(to: target, resolver)
    }
    return channel
  }

  private func beginConnecting(to target: Endpoint, _ resolver: NameResolver) {
    // The handler's maker may have closed it.
    guard phase == .connecting else { return }
    guard !loop.isEnding else { return loopEnds() }
    let deadline = MonotonicTime.now + options.connectDeadline.wholeNanoseconds
    connecting = Connecting(target: target, resolver: resolver, deadline: deadline)
    guard !target.host.isEmpty, target.host != "*", target.port != 0 else {
      return finish(Failure(.usage, "'\(target)' cannot be connected to: give a host and a port other than 0"))
    }
    if let address = SocketAddress(digits: target.host, port: target.port) { return tryAddresses([address]) }
    connecting?.question = resolver.resolve(target, on: loop, until: deadline) { [weak self] answer in
      guard let self, phase == .connecting else { return }
      connecting?.question = nil
      switch answer {
      case .success(let addresses): tryAddresses(addresses)
      case .failure(let failure): finish(failure.within("no connection to \(target)"))
      }
    }
  }

  private func tryAddresses(_ addresses: [SocketAddress]) {
    connecting?.left = addresses[...]
    tryNext()
  }

  /// Tries the next address, or gives up. Each gets its share of the time that is left, so that one that does not answer
  /// leaves some to the others.
  private func tryNext() {
    while true {
      guard var state = connecting else { return }
      guard let address = state.left.popFirst() else {
        return finish(SocketFailure.unreachable(state.target.description, state.tried))
      }
      state.timer?.cancel()
      state.current = address
      connecting = state
      guard let code = begin(address) else {
        let now = MonotonicTime.now
        let share = max(0, state.deadline - now) / Int64(state.left.count + 1)
        let timer = loop.timer { [weak self] in self?.giveUpAttempt(ETIMEDOUT) }
        connecting?.timer = timer
        return timer.set(at: now + share)
      }
      note(code)
    }
  }

  /// Begins to connect. Returns nil when that is under way, else an errno.
  private func begin(_ address: SocketAddress) -> Int32? {
    guard let made = SocketCalls.make(address.family) else { return errno }
    options.apply(to: made)
    let status = address.withSockaddr { Glibc.connect(made, $0, $1) }
    let code = errno
    guard status == 0 || code == EINPROGRESS || code == EINTR else {
      _ = Glibc.close(made)
      return code
    }
    descriptor = made
    do throws(Failure) {
      // A connection that is there already is told as ready for writing.
      try loop.add(self, made)
    } catch {
      _ = Glibc.close(made)
      descriptor = -1
      return ENOSPC
    }
    return nil
  }

  private func note(_ code: Int32) {
    guard let address = connecting?.current else { return }
    connecting?.tried.append("\(address): \(SocketFailure.refusal(code))")
  }

  private func giveUpAttempt(_ code: Int32) {
    note(code)
    dropDescriptor()
    tryNext()
  }

  /// The attempt under way became ready: it is connected, or failed.
  func finishAttempt() {
    let code = SocketCalls.takeError(descriptor)
    guard code == 0 else { return giveUpAttempt(code) }
    guard mayWrite else { return }
    let own = SocketCalls.ownAddress(descriptor)
    guard let peer = SocketCalls.peerAddress(descriptor) else { return giveUpAttempt(errno) }
    // A connection from a port to itself: TCP allows it when nobody listens at a port that the kernel then picks as ours.
    guard own != peer else { return giveUpAttempt(ECONNREFUSED) }
    connecting?.cancel()
    if let target = connecting?.target, target.description != peer.description { peerName = "\(target) (\(peer))" }
    connecting = nil
    peerAddress = peer
    opened()
  }
}
