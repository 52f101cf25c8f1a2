import Base
import COpenSSL
import Glibc

extension ByteChannel {
  /// TCP is there: goes on with TLS, where that is wanted, and else tells the handler.
  func opened() {
    if let peerAddress { ConnectionOptions.apply(to: descriptor, connectedTo: peerAddress) }
    guard let tlsContext else {
      phase = .open
      handler?.connected(applicationProtocol: nil)
      return turn()
    }
    phase = .handshaking
    let loaded = tlsContext.current()
    do throws(Failure) {
      tls = try TLSSession(
        loaded, peer: peerName, name: loaded.role == .client ? serverName : nil, output: loop.blocks.encrypted)
    } catch {
      return finish(error)
    }
    setDeadline(options.handshakeDeadline) { channel in
      channel.finish(
        Failure(
          .io, retryable: true,
          "\(channel.peerName) did not finish the handshake of TLS in time (\(channel.options.handshakeDeadline)); check that it speaks TLS"
        ), resets: true)
    }
    // A client speaks first.
    if loaded.role == .client { shakeHands() }
    turn()
  }

  /// Goes on with the handshake.
  private func shakeHands() {
    guard let tls else { return }
    let step = tls.handshake()
    guard sendEncrypted() else { return }
    switch step {
    case .needsInput: return
    case .failed(let failure): return fail(failure)
    case .done:
      deadlineTimer?.cancel()
      deadlineTimer = nil
      phase = .open
      handler?.connected(applicationProtocol: tls.applicationProtocol)
      // What was appended before, or just now.
      if phase == .open || phase == .draining { _ = writes() }
    }
  }

  /// Bytes of the peer's, through TLS to the handler.
  func deliver(_ bytes: UnsafeRawBufferPointer, through tls: TLSSession) {
    if !hasSeenHello {
      hasSeenHello = true
      // The first record is a handshake or, from a server, an alert (RFC 8446, section 5.1).
      if bytes[0] != 0x16 && bytes[0] != 0x15 { return finish(notTLS(bytes)) }
    }
    tls.give(bytes)
    defer { tls.takeBack() }
    if phase == .handshaking { shakeHands() }
    guard phase == .open else { return }
    let block = loop.blocks.plain
    var count = 0
    let step = tls.read(into: block, count: &count)
    guard sendEncrypted() else { return }
    if count > 0 {
      let plain = UnsafeRawBufferPointer(rebasing: block[..<count])
      if isPaused { held += plain } else { handler?.received(plain) }
    }
    switch step {
    case .needsInput: return
    case .done: hasReceivedEnd = true
    case .failed(let failure): if phase == .open { fail(failure) }
    }
  }

  /// Encrypts a part of the output and sends it. Returns whether the channel is still there.
  func encrypt(_ tls: TLSSession) -> Bool {
    let limit = min(writeBudget, encryptedAtOnce)
    let failure = tls.encrypt(&output, atMost: limit, staging: loop.blocks.staging)
    guard sendEncrypted() else { return false }
    if let failure {
      fail(failure)
      return false
    }
    return true
  }

  /// Bytes that are encrypted before they are sent, when the kernel takes all of them: the more, the fewer calls of the
  /// kernel, each of which wakes a peer on the same machine; but they leave the caches.
  static let mostEncryptedAtOnce = 32 * TLSSession.recordSize
  /// For a peer that does not keep up, as the connection keeps what the kernel does not take.
  static let leastEncryptedAtOnce = 8 * TLSSession.recordSize

  /// Takes what TLS has for the peer from the loop's block, and sends it or keeps it. Returns whether the channel is still
  /// there.
  func sendEncrypted() -> Bool {
    let block = loop.blocks.encrypted
    guard block.pointee.count > 0 else { return true }
    defer { block.pointee.count = 0 }
    guard phase != .closed else { return false }
    let bytes = UnsafeRawBufferPointer(start: block.pointee.bytes, count: block.pointee.count)
    var sent = 0
    if encrypted.isEmpty, mayWrite {
      var vector = iovec(iov_base: block.pointee.bytes, iov_len: bytes.count)
      sent = withUnsafePointer(to: &vector) { send(UnsafeBufferPointer(start: $0, count: 1)) }
      guard sent >= 0 else { return false }
    }
    guard sent < bytes.count else {
      if sent >= encryptedAtOnce { encryptedAtOnce = min(encryptedAtOnce * 2, Self.mostEncryptedAtOnce) }
      return true
    }
    encryptedAtOnce = Self.leastEncryptedAtOnce
    let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
    if rest.count < block.pointee.capacity / 4 {
      encrypted.append(copying: rest)
    } else {
      encrypted.append(rest, ownedBy: loop.blocks.takeEncrypted())
    }
    return true
  }

  /// Ends the channel after TLS failed. The alert that tells the peer why has been sent, and is not to be lost by bytes that
  /// nobody reads any more.
  private func fail(_ failure: Failure) {
    shutdown(descriptor, Int32(SHUT_WR))
    let block = loop.blocks.read
    for _ in 0..<4 where recv(descriptor, block.baseAddress, block.count, 0) <= 0 { break }
    finish(failure)
  }

  /// What an end of TCP means that TLS did not announce: nil where it does not matter.
  func truncation() -> Failure? {
    guard let tls, !tls.hasPeerEnded else { return nil }
    if phase == .handshaking {
      return Failure(
        .io, retryable: true,
        "\(peerName) closed the connection during the handshake of TLS; check that it speaks TLS, and its log")
    }
    guard !acceptsTruncation else { return nil }
    return Failure(
      .io, retryable: true,
      "\(peerName) closed the connection without the end of TLS (close_notify), so that bytes may be missing")
  }

  private func notTLS(_ bytes: UnsafeRawBufferPointer) -> Failure {
    let start = bytes.prefix(24).map { (0x20...0x7E).contains($0) ? Character(Unicode.Scalar($0)) : "." }
    let remedy =
      tlsContext.map { $0.isServer } == true
      ? "let it connect with TLS, or to a port without" : "connect without TLS, or to another port"
    return Failure(.io, "\(peerName) sent '\(String(start))': this is not TLS; \(remedy)")
  }
}
