import Base
import CPlatform
import Glibc

extension ByteChannel {
  /// Reads what a turn allows.
  func readTurn() {
    if phase >= .draining { return discard() }
    renewReadBudget()
    if !held.isEmpty, !isPaused, phase == .open {
      let bytes = held
      held = []
      bytes.withUnsafeBytes { handler?.received($0) }
      if phase == .open { handler?.receivedAll() }
    }
    while mayRead, !isPaused || phase == .handshaking, phase <= .open, !hasReceivedEnd, !owesAnswers, readBudget > 0 {
      let block = loop.blocks.read
      let count = readOnce(block)
      guard count > 0 else { break }
      deliver(UnsafeRawBufferPointer(rebasing: block[..<count]))
      // Not at the turn's end: a peer whose window is used up would wait while we work, and then we for it.
      if phase == .open { handler?.receivedAll() }
    }
    if phase <= .open, hasReceivedEnd, !hasToldEnd, !isPaused || phase == .handshaking { return receiveEnd() }
    // Once the answers can be written, the channel has a turn.
    if mayRead, !isPaused, phase != .closed, !hasReceivedEnd, !owesAnswers { loop.turnAgain(self) }
  }

  /// Whether the peer asks by TLS (KeyUpdate) and does not read what it is answered: nothing more is read of it meanwhile.
  private var owesAnswers: Bool { encrypted.byteCount > Self.mostEncryptedAtOnce + Self.turnLimit }

  private func renewReadBudget() {
    guard turnOfReads != loop.turnNumber else { return }
    turnOfReads = loop.turnNumber
    readBudget = Self.turnLimit
  }

  /// One read of the socket into the loop's block. Returns the bytes that came; 0 when there are none now, at the peer's
  /// end, and after a failure, which ends the channel.
  private func readOnce(_ block: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = recv(descriptor, block.baseAddress, block.count, 0)
      if count > 0 {
        bytesReceived += count
        readBudget -= count
        // Less than asked for is all that there is (epoll(7)), and what comes later is told again.
        if count < block.count, !endIsNear { mayRead = false }
        return count
      }
      if count == 0 {
        mayRead = false
        hasReceivedEnd = true
        return 0
      }
      let code = errno
      if code == EINTR { continue }
      mayRead = false
      if code != EAGAIN { finish(SocketFailure.lost(peerName, code)) }
      return 0
    }
  }

  private func deliver(_ bytes: UnsafeRawBufferPointer) {
    if let tls { return deliver(bytes, through: tls) }
    if !hasSeenFirstBytes {
      hasSeenFirstBytes = true
      // A handshake record, version 3.x (RFC 8446, section 5.1).
      if bytes[0] == 0x16, bytes.count < 2 || bytes[1] == 0x03 {
        return finish(
          Failure(
            .io,
            "\(peerName) speaks TLS to a port without it; let it connect without TLS, or give this port a certificate"))
      }
    }
    handler?.received(bytes)
  }

  /// Tells the handler that the peer has ended, and does as it says.
  private func receiveEnd() {
    hasToldEnd = true
    if let failure = truncation() { return finish(failure) }
    let after = handler?.receivedEnd() ?? .close
    guard phase == .open else { return }
    if hasEndedOutput {
      finish(nil)
    } else if after == .close {
      close()
    }
  }

  /// Reads and throws away, so that a peer who still sends gets to read what we wrote.
  private func discard() {
    renewReadBudget()
    while mayRead, readBudget > 0, phase != .closed, !hasReceivedEnd { _ = readOnce(loop.blocks.read) }
    guard phase != .closed else { return }
    if hasReceivedEnd {
      if phase == .parting { finish(nil) }
    } else if mayRead {
      loop.turnAgain(self)
    }
  }
}
