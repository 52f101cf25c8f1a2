import Base
import COpenSSL
import Glibc

/// What OpenSSL says of the calling thread's last call.
enum TLSError {
  /// The text of an error of OpenSSL.
  static func text(_ code: UInt) -> String {
    if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
    return code == 0 ? "no reason was given" : "error \(String(code, radix: 16)) of OpenSSL"
  }

  /// The text of the first error that waits, all of which are forgotten.
  static func takeText() -> String {
    defer { ERR_clear_error() }
    return text(ERR_peek_error())
  }

  /// Why a session failed, as a sentence. Forgets OpenSSL's errors.
  ///
  /// - Parameters:
  ///   - peer: what failures call it.
  ///   - name: the host that a client asked for.
  static func failure(_ ssl: OpaquePointer, _ role: LoadedTLS.Role, peer: String, name: String?) -> Failure {
    let error = ERR_peek_error()
    defer { ERR_clear_error() }
    let reason = ERR_GET_REASON(error)
    let isOfSSL = ERR_GET_LIB(error) == ERR_LIB_SSL
    if isOfSSL, reason == SSL_R_CERTIFICATE_VERIFY_FAILED {
      return Failure(
        .io, "no TLS with \(peer): its certificate \(verification(SSL_get_verify_result(ssl), role, name))")
    }
    // An alert of the peer's is told as 1000 and its number (RFC 8446, section 6.2).
    if isOfSSL, reason >= SSL_AD_REASON_OFFSET {
      return Failure(.io, "no TLS with \(peer): it \(alert(reason - Int32(SSL_AD_REASON_OFFSET), role))")
    }
    guard isOfSSL, let found = refusals[reason] else {
      return Failure(.io, "TLS with \(peer) failed: \(text(error))")
    }
    return Failure(.io, "no TLS with \(peer): it \(found)")
  }

  /// What we refuse, by OpenSSL's reason.
  private static let refusals: [Int32: String] = [
    SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      "sent no client certificate, and this server asks for one; give the client a certificate and its key",
    SSL_R_UNSUPPORTED_PROTOCOL: "speaks a version of TLS that is older than 1.2; use a newer client library",
    SSL_R_NO_SHARED_CIPHER: "knows none of the ciphers that are allowed here (ECDHE with AES-GCM or ChaCha20)",
    SSL_R_NO_APPLICATION_PROTOCOL: "offers none of the protocols that are spoken here (ALPN)",
    SSL_R_WRONG_VERSION_NUMBER: "sent bytes that are not TLS; use TLS on both sides or on none",
  ]

  private static func verification(_ code: Int, _ role: LoadedTLS.Role, _ name: String?) -> String {
    let side = role == .client ? "the server's" : "the client's"
    return switch Int32(code) {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      "is not for '\(name ?? "")'; connect to a name that it holds, or give the server a certificate with this one"
    case X509_V_ERR_CERT_HAS_EXPIRED: "has expired; renew \(side) certificate, or set the clock right"
    case X509_V_ERR_CERT_NOT_YET_VALID: "is not valid yet; set the clocks right, or wait"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_CERT_SIGNATURE_FAILURE:
      "was issued by nobody that is trusted here; add its authority to the trusted ones (\(reason(code)))"
    default: "was refused (\(reason(code)))"
    }
  }

  private static func reason(_ code: Int) -> String { String(cString: X509_verify_cert_error_string(code)) }

  private static func alert(_ number: Int32, _ role: LoadedTLS.Role) -> String {
    let ours = role == .client ? "client certificate" : "certificate"
    return switch number {
    case SSL_AD_UNKNOWN_CA:
      "refused our \(ours) because it trusts no authority that issued it; let it trust that authority (alert unknown_ca)"
    case SSL_AD_CERTIFICATE_EXPIRED: "refused our \(ours) as expired; renew it (alert certificate_expired)"
    case SSL_AD_BAD_CERTIFICATE, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNSUPPORTED_CERTIFICATE, SSL_AD_CERTIFICATE_REVOKED:
      "refused our \(ours): its name, dates or issuer do not suit the peer (alert \(number)); look at the peer's log"
    case SSL3_AD_HANDSHAKE_FAILURE,
      Int32(TLS13_AD_CERTIFICATE_REQUIRED) where role == .client:
      "refused the handshake, as servers do that ask for a client certificate; give a certificate and its key (alert \(number))"
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      "speaks none of the protocols that were offered (alert no_application_protocol)"
    case SSL_AD_PROTOCOL_VERSION: "does not speak the versions 1.2 and 1.3 of TLS (alert protocol_version)"
    default: "ended TLS with alert \(number) (\(String(cString: SSL_alert_desc_string_long(number))))"
    }
  }
}
