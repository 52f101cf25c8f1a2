import Base
import Glibc

extension ByteChannel {
  /// Ends the connection after what waits in ``output`` is written, and tells the handler when it is gone. Nothing that comes
  /// from now on is handed over. While it is connecting: at once.
  ///
  /// - Parameter limit: how long the peer may take to receive what waits; then the connection is reset, with a failure.
  public func close(within limit: Duration = .seconds(10)) {
    loop.assertCurrent()
    guard phase < .draining else { return }
    guard phase == .open else { return finish(nil, resets: phase == .handshaking) }
    phase = .draining
    endsOutput = true
    setDeadline(limit) { channel in
      channel.finish(
        Failure(
          .io, retryable: true,
          "\(channel.peerName) did not take the last \(channel.output.byteCount) bytes before the connection was closed (\(limit)); they are lost"
        ), resets: true)
    }
    if hasEndedOutput { return part() }
    flush()
    if phase == .draining, mayRead { loop.turnAgain(self) }
  }

  /// Ends the connection at once, by a reset. What waits is thrown away on both sides.
  ///
  /// - Parameter failure: what the handler is told in ``ByteChannelHandler/closed(_:)``.
  public func abort(_ failure: Failure? = nil) {
    loop.assertCurrent()
    finish(failure, resets: true)
  }

  /// All is written and the end is sent: waits a little for the peer's.
  ///
  /// A socket that is closed with bytes to read resets the connection, and the peer may then lose what it has not read
  /// yet; so they are read first, until its end comes.
  func part() {
    phase = .parting
    guard !hasReceivedEnd else { return finish(nil) }
    setDeadline(Self.partingLimit) { $0.finish(nil) }
    if mayRead { loop.turnAgain(self) }
  }

  /// What a peer has time for to end its side once it has all our bytes.
  private static let partingLimit = Duration.seconds(2)

  /// Sets the one deadline of the phase that begins.
  func setDeadline(_ limit: Duration, _ late: @escaping (ByteChannel) -> Void) {
    deadlineTimer?.cancel()
    let timer = loop.timer { [weak self] in if let self { late(self) } }
    deadlineTimer = timer
    timer.set(after: limit)
  }

  /// The end, from whatever phase; the handler is told later in this turn or in the next one, so that whoever calls the
  /// channel is not called back.
  func finish(_ failure: Failure?, resets: Bool = false) {
    guard phase != .closed else { return }
    phase = .closed
    deadlineTimer?.cancel()
    deadlineTimer = nil
    acknowledgementTimer?.cancel()
    acknowledgementTimer = nil
    connecting?.cancel()
    connecting = nil
    dropDescriptor(resets: resets)
    loop.runSoon { [self] in
      // Not before: this may be called while output is being written.
      output.removeAll()
      encrypted.removeAll()
      held = []
      tls = nil
      let handler = handler
      self.handler = nil
      handler?.closed(failure)
      onClosed?()
      onClosed = nil
    }
  }

  func dropDescriptor(resets: Bool = false) {
    guard descriptor >= 0 else { return }
    loop.remove(self, descriptor)
    if resets { SocketCalls.reset(descriptor) } else { _ = Glibc.close(descriptor) }
    descriptor = -1
    mayRead = false
    mayWrite = false
    endIsNear = false
  }
}
