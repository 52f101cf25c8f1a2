import Base
import COpenSSL
import Glibc

/// TLS of one connection, between bytes that a channel read and bytes that it writes: it knows no sockets.
///
/// What it has for the peer goes to its loop's one block, from which the channel takes it before any other session writes.
/// Belongs to the loop's thread.
final class TLSSession {
  /// What a call came to.
  enum Step {
    /// What was asked for is done.
    case done
    /// More bytes of the peer's are needed.
    case needsInput
    case failed(Failure)
  }

  private let ssl: OpaquePointer
  /// Kept for its context, and for the choice of protocols.
  private let loaded: LoadedTLS
  private let pipe: UnsafeMutablePointer<volley_tls_pipe>
  /// What failures call the peer.
  private let peer: String
  /// The host that a client asks for.
  private let name: String?

  private static nonisolated(unsafe) let method = volley_tls_pipe_method()  // Set up once and never changed.

  /// Bytes of a record at most (RFC 8446, section 5.1).
  static let recordSize = 16 * 1024

  /// - Parameters:
  ///   - name: the name or address for which a server's certificate has to be; nil for servers.
  init(
    _ loaded: LoadedTLS, peer: String, name: String?, output: UnsafeMutablePointer<volley_tls_output>
  ) throws(Failure) {
    ERR_clear_error()
    guard let ssl = SSL_new(loaded.context), let bio = BIO_new(Self.method) else {
      throw Failure(.memory, "TLS with \(peer) could not be set up: \(TLSError.takeText())")
    }
    self.ssl = ssl
    self.loaded = loaded
    self.peer = peer
    self.name = name
    pipe = .allocate(capacity: 1)
    pipe.initialize(to: volley_tls_pipe(input: nil, input_count: 0, output: output))
    BIO_set_data(bio, pipe)
    // One reference for both directions; the session frees it.
    SSL_set_bio(ssl, bio, bio)
    if loaded.role == .server { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
    if let name { try expect(name) }
  }

  deinit {
    SSL_free(ssl)
    pipe.deallocate()
  }

  /// Asks for a name (SNI) and refuses certificates that are not for it.
  private func expect(_ asked: String) throws(Failure) {
    // The root's dot belongs to no certificate and to no SNI (RFC 6066, section 3). A leading one would mean any name below.
    let name = asked.hasSuffix(".") ? String(asked.dropLast()) : asked
    let isAddress = SocketAddress(digits: name, port: 0) != nil
    let parameters = SSL_get0_param(ssl)
    let isSet: Bool
    if isAddress {
      // Without the scope, which is this machine's own affair.
      let digits = name.prefix { $0 != "%" }
      isSet = X509_VERIFY_PARAM_set1_ip_asc(parameters, String(digits)) == 1
    } else {
      X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      isSet =
        !name.isEmpty && !name.hasPrefix(".") && X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1
        && volley_tls_ask_for(ssl, name) == 1
    }
    guard isSet else {
      ERR_clear_error()
      throw Failure(.usage, "'\(name)' is no name that a certificate can be for")
    }
  }

  /// Gives it bytes from the peer, which it reads in the calls that follow, all of them before this is called again.
  func give(_ bytes: UnsafeRawBufferPointer) {
    precondition(pipe.pointee.input_count == 0, "a session reads all that it was given")
    pipe.pointee.input = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    pipe.pointee.input_count = bytes.count
  }

  /// Forgets bytes that were given.
  func takeBack() {
    pipe.pointee.input = nil
    pipe.pointee.input_count = 0
  }

  func handshake() -> Step {
    ERR_clear_error()
    let status = SSL_do_handshake(ssl)
    return status == 1 ? .done : step(status)
  }

  /// Decrypts all that was given, as far as there is room; `count` is raised by the bytes that came of it.
  ///
  /// - Returns: `done` when the peer has said that it sends no more.
  func read(into block: UnsafeMutableRawBufferPointer, count: inout Int) -> Step {
    while true {
      precondition(block.count - count >= Self.recordSize, "there is room for what one read brings")
      ERR_clear_error()
      let got = SSL_read(
        ssl, block.baseAddress.map { $0 + count }, Int32(clamping: block.count - count))
      if got > 0 {
        count += Int(got)
        continue
      }
      return step(got)
    }
  }

  /// Encrypts from a queue what fits about `limit` bytes. Returns a failure, after which nothing more can be sent.
  func encrypt(_ queue: inout OutputQueue, atMost limit: Int, staging: UnsafeMutableRawBufferPointer) -> Failure? {
    var failure: Failure?
    queue.write(atMost: limit) { vectors in
      // Small runs are put together, so that a head does not cost a record.
      var staged = 0
      var taken = 0
      func write(_ bytes: UnsafeRawPointer?, _ count: Int) {
        guard failure == nil, count > 0 else { return }
        ERR_clear_error()
        let status = SSL_write(ssl, bytes, Int32(count))
        if status <= 0, case .failed(let found) = step(status) { failure = found }
        if status <= 0, failure == nil {
          failure = Failure(.io, "TLS with \(peer) takes no bytes in the middle of its handshake")
        }
      }
      for vector in vectors {
        var bytes = UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
        taken += bytes.count
        while !bytes.isEmpty {
          let whole = bytes.count / Self.recordSize * Self.recordSize
          if staged == 0, whole > 0 {
            write(bytes.baseAddress, whole)
            bytes = UnsafeRawBufferPointer(rebasing: bytes[whole...])
            continue
          }
          let part = min(bytes.count, Self.recordSize - staged)
          UnsafeMutableRawBufferPointer(rebasing: staging[staged..<(staged + part)]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[..<part]))
          staged += part
          bytes = UnsafeRawBufferPointer(rebasing: bytes[part...])
          if staged == Self.recordSize {
            write(staging.baseAddress, staged)
            staged = 0
          }
        }
      }
      write(staging.baseAddress, staged)
      return taken
    }
    return failure
  }

  /// Says that nothing more will be sent (close_notify).
  func end() {
    ERR_clear_error()
    SSL_shutdown(ssl)
    ERR_clear_error()
  }

  /// Whether the peer has said that it sends no more.
  var hasPeerEnded: Bool { SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

  var applicationProtocol: String? {
    var bytes: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &bytes, &count)
    return count == 0 ? nil : String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
  }

  /// The name that a client asked for.
  var serverName: String? { SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) } }

  /// Such as `TLSv1.3`.
  var version: String { String(cString: SSL_get_version(ssl)) }

  var peerCertificate: PeerCertificate? {
    guard SSL_get_verify_result(ssl) == X509_V_OK, let certificate = SSL_get0_peer_certificate(ssl) else { return nil }
    return PeerCertificate(certificate)
  }

  private func step(_ status: Int32) -> Step {
    switch SSL_get_error(ssl, status) {
    case SSL_ERROR_WANT_READ: return .needsInput
    case SSL_ERROR_ZERO_RETURN: return .done
    default: return .failed(TLSError.failure(ssl, loaded.role, peer: peer, name: name))
    }
  }
}
