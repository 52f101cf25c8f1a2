import Base
import CPlatform
import Glibc

extension ByteChannel {
  /// Writes as much of ``output`` as the kernel takes and a turn allows; the rest follows by itself. Cheap when nothing can be
  /// written. Bytes appended while it is connecting are written then.
  public func flush() {
    loop.assertCurrent()
    if mayWrite || output.isEmpty, phase == .open || phase == .draining { _ = writes() }
    // Also when nothing could be written: who stopped appending because of this flush waits to be told.
    if output.byteCount > options.lowOutput { awaitsRoom = true }
  }

  /// Sends the end once all output is written, and goes on reading: the peer sees that no more will come. When both sides
  /// have ended, the channel is closed.
  public func endOutput() {
    loop.assertCurrent()
    endsOutput = true
    flush()
  }

  /// Writes what can be written. Returns whether the channel is still there.
  func writes() -> Bool {
    if turnOfWrites != loop.turnNumber {
      turnOfWrites = loop.turnNumber
      writeBudget = Self.turnLimit
    }
    while mayWrite, !encrypted.isEmpty || (!output.isEmpty && phase != .handshaking) {
      guard writeBudget > 0 else {
        loop.turnAgain(self)
        break
      }
      if !encrypted.isEmpty {
        guard send(&encrypted) else { return false }
      } else if let tls {
        guard encrypt(tls) else { return false }
      } else {
        guard send(&output) else { return false }
      }
    }
    if output.isEmpty, encrypted.isEmpty, phase > .handshaking { finishOutput() }
    return phase != .closed
  }

  /// Tells the handler that there is room again, if it waits for that. From the loop only.
  func tellRoom() {
    guard awaitsRoom, phase == .open, output.byteCount <= options.lowOutput else { return }
    awaitsRoom = false
    handler?.hasRoom()
  }

  /// One vector of bytes to the kernel. Returns false after a failure, which ends the channel.
  private func send(_ queue: inout OutputQueue) -> Bool {
    queue.write(atMost: writeBudget) { send($0) } >= 0
  }

  /// One call of the kernel. Returns how many bytes it took; a negative number after a failure, which ends the channel.
  func send(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
    var message = msghdr()
    message.msg_iov = UnsafeMutablePointer(mutating: vectors.baseAddress)
    message.msg_iovlen = vectors.count
    var asked = 0
    for vector in vectors { asked += vector.iov_len }
    while true {
      // A peer that is gone is an error to be told, not a signal.
      let written = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
      if written >= 0 {
        bytesSent += written
        writeBudget -= written
        if !isWatched { watchAcknowledgements() }
        // The kernel took a part: it is full, and says when it no longer is.
        if written < asked { mayWrite = false }
        return written
      }
      let code = errno
      if code == EINTR { continue }
      mayWrite = false
      if code == EAGAIN { return 0 }
      finish(lostWhileWriting(code))
      return -1
    }
  }

  /// What a failed write is told as. A reset comes with an error of its own, which says more than "broken pipe".
  private func lostWhileWriting(_ code: Int32) -> Failure {
    let first = code == EPIPE ? SocketCalls.takeError(descriptor) : 0
    return SocketFailure.lost(peerName, first != 0 ? first : code)
  }

  /// All output is with the kernel: sends the end, if that is what comes next.
  private func finishOutput() {
    guard endsOutput, !hasEndedOutput, phase != .closed else { return }
    if let tls, !hasEndedTLS {
      hasEndedTLS = true
      tls.end()
      guard sendEncrypted(), encrypted.isEmpty else { return }
    }
    hasEndedOutput = true
    // It fails when the peer is gone, which reading finds out too.
    shutdown(descriptor, Int32(SHUT_WR))
    if hasReceivedEnd {
      finish(nil)
    } else if phase == .draining {
      part()
    }
  }
}
