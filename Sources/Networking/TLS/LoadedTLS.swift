import Base
import COpenSSL

/// A context of OpenSSL, made from what the files held at one time. Never changes, and lives as long as its sessions.
///
/// OpenSSL's contexts may be used by all threads once they are set up: that is what makes it `Sendable`.
final class LoadedTLS: @unchecked Sendable {
  enum Role: Sendable {
    case server
    case client
  }

  let role: Role
  let context: OpaquePointer
  /// A server's choice refers to it; its bytes belong to this object.
  private let protocols: UnsafeMutablePointer<volley_tls_protocols>

  /// Forward secrecy and authenticated encryption only, for TLS 1.2.
  private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL"
  private static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  init(
    _ role: Role, _ paths: TLSContext.Paths, _ files: TLSFiles, _ protocolNames: [String]
  ) throws(Failure) {
    let method = role == .server ? TLS_server_method() : TLS_client_method()
    guard let context = SSL_CTX_new(method) else {
      throw Failure(.software, domain: .external, "TLS could not be set up: \(TLSError.takeText())")
    }
    self.role = role
    self.context = context
    protocols = .allocate(capacity: 1)
    var wire: [UInt8] = []
    for name in protocolNames {
      precondition((1...255).contains(name.utf8.count), "ALPN's names have 1 to 255 bytes")
      wire.append(UInt8(name.utf8.count))
      wire += name.utf8
    }
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, wire.count))
    bytes.initialize(from: wire, count: wire.count)
    protocols.initialize(to: volley_tls_protocols(bytes: bytes, count: UInt32(wire.count)))
    configure()
    try use(paths, files)
  }

  deinit {
    SSL_CTX_free(context)
    protocols.pointee.bytes.deallocate()
    protocols.deallocate()
  }

  private func configure() {
    volley_tls_restrict(context)
    let isSet =
      volley_tls_least_version(context, TLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(context, Self.ciphers) == 1
      && SSL_CTX_set_ciphersuites(context, Self.suites) == 1
    precondition(isSet, "OpenSSL 3 knows these versions and ciphers")
    if protocols.pointee.count > 0 {
      if role == .server {
        volley_tls_choose_protocol(context, protocols)
      } else {
        // 0 is success there.
        let status = SSL_CTX_set_alpn_protos(context, protocols.pointee.bytes, protocols.pointee.count)
        precondition(status == 0, "the list of protocols is well formed")
      }
    }
  }

  private func use(_ paths: TLSContext.Paths, _ files: TLSFiles) throws(Failure) {
    if let path = paths.certificate, let bytes = files.certificate, let keyPath = paths.key, let key = files.key {
      try usePair(path, bytes, keyPath, key)
    }
    if let path = paths.authorities, let bytes = files.authorities {
      try trust(path, bytes)
    } else if role == .client, SSL_CTX_set_default_verify_paths(context) != 1 {
      throw Failure(.io, "the system's certificate authorities cannot be read: \(TLSError.takeText())")
    }
    if role == .client {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    } else if paths.authorities != nil {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
      // A client that comes back with a ticket is known by it, in this context only.
      let name = Array("volley".utf8)
      SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
    }
  }

  private func usePair(_ path: String, _ bytes: [UInt8], _ keyPath: String, _ keyBytes: [UInt8]) throws(Failure) {
    let chain = try Self.certificates(bytes, path)
    defer { for certificate in chain { X509_free(certificate) } }
    ERR_clear_error()
    guard let key = Self.withBIO(keyBytes, { volley_tls_read_key($0) }) else {
      let isEncrypted = String(decoding: keyBytes, as: UTF8.self).contains("ENCRYPTED")
      ERR_clear_error()
      throw Failure(
        .data,
        isEncrypted
          ? "the private key '\(keyPath)' is behind a password; write it without one (openssl pkey)"
          : "'\(keyPath)' holds no private key in PEM; expected '-----BEGIN PRIVATE KEY-----'")
    }
    defer { EVP_PKEY_free(key) }
    guard X509_check_private_key(chain[0], key) == 1 else {
      ERR_clear_error()
      throw Failure(
        .data,
        "the private key '\(keyPath)' is not that of the certificate '\(path)'; give the two that belong together")
    }
    guard SSL_CTX_use_certificate(context, chain[0]) == 1, SSL_CTX_use_PrivateKey(context, key) == 1,
      chain.dropFirst().allSatisfy({ volley_tls_add_chain(context, $0) == 1 })
    else { throw Failure(.data, "the certificate '\(path)' cannot be used: \(TLSError.takeText())") }
  }

  private func trust(_ path: String, _ bytes: [UInt8]) throws(Failure) {
    let authorities = try Self.certificates(bytes, path)
    defer { for certificate in authorities { X509_free(certificate) } }
    let store = SSL_CTX_get_cert_store(context)
    for certificate in authorities {
      guard X509_STORE_add_cert(store, certificate) == 1,
        role == .client || SSL_CTX_add_client_CA(context, certificate) == 1
      else { throw Failure(.data, "a certificate of '\(path)' cannot be used: \(TLSError.takeText())") }
    }
  }

  /// The certificates of a file, one at least; who calls frees them.
  private static func certificates(_ bytes: [UInt8], _ path: String) throws(Failure) -> [OpaquePointer] {
    ERR_clear_error()
    var found: [OpaquePointer] = []
    withBIO(bytes) { bio in while let next = volley_tls_read_certificate(bio) { found.append(next) } }
    let error = ERR_peek_last_error()
    // The end of the file is "no start line".
    let isWhole = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE
    defer { ERR_clear_error() }
    guard !found.isEmpty, isWhole else {
      for certificate in found { X509_free(certificate) }
      throw Failure(
        .data,
        found.isEmpty
          ? "'\(path)' holds no certificate in PEM; expected '-----BEGIN CERTIFICATE-----'"
          : "'\(path)' holds a certificate that is broken (\(TLSError.text(error))); write the file again")
    }
    return found
  }

  private static func withBIO<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result) -> Result {
    bytes.withUnsafeBytes { bytes in
      // It fails without memory only.
      guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
        preconditionFailure("OpenSSL has memory for a reader of bytes")
      }
      defer { BIO_free(bio) }
      return body(bio)
    }
  }
}
