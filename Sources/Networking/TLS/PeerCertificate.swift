import Base
import COpenSSL

/// Whom the peer's certificate speaks of. It has been verified.
public struct PeerCertificate: Sendable, Hashable {
  /// The subject as text (RFC 2253), such as `CN=worker-1,O=volley`.
  public let subject: String
  /// The alternative names (RFC 5280, section 4.2.1.6).
  public var dnsNames: [String] = []
  public var uris: [String] = []
  public var emails: [String] = []
  /// In digits.
  public var addresses: [String] = []

  init(_ certificate: OpaquePointer) {
    subject = Self.text(X509_get_subject_name(certificate))
    guard let names = volley_tls_names(certificate) else { return }
    defer { volley_tls_free_names(names) }
    for index in 0..<volley_tls_name_count(names) {
      var start: UnsafePointer<UInt8>?
      var count: Int32 = 0
      let type = volley_tls_name(names, index, &start, &count)
      let bytes = UnsafeRawBufferPointer(start: start, count: Int(count))
      switch type {
      case GEN_DNS: dnsNames.append(String(decoding: bytes, as: UTF8.self))
      case GEN_URI: uris.append(String(decoding: bytes, as: UTF8.self))
      case GEN_EMAIL: emails.append(String(decoding: bytes, as: UTF8.self))
      case GEN_IPADD where bytes.count == 4:
        addresses.append(SocketAddress(.v4(Self.number(bytes, as: UInt32.self)), port: 0).host)
      case GEN_IPADD where bytes.count == 16:
        let high = Self.number(UnsafeRawBufferPointer(rebasing: bytes[..<8]), as: UInt64.self)
        let low = Self.number(UnsafeRawBufferPointer(rebasing: bytes[8...]), as: UInt64.self)
        addresses.append(SocketAddress(.v6(high, low, scope: 0), port: 0).host)
      default: break
      }
    }
  }

  private static func number<Number: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, as: Number.Type) -> Number {
    Number(bigEndian: bytes.loadUnaligned(as: Number.self))
  }

  private static func text(_ name: OpaquePointer?) -> String {
    guard let bio = BIO_new(BIO_s_mem()) else { return "" }
    defer { BIO_free(bio) }
    guard volley_tls_print_name(bio, name) >= 0 else { return "" }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 512)
    while true {
      let count = BIO_read(bio, &chunk, Int32(chunk.count))
      if count <= 0 { return String(decoding: text, as: UTF8.self) }
      text += chunk[..<Int(count)]
    }
  }
}
