import Base
import COpenSSL
import Glibc

/// A certificate that vouches for itself, for 127.0.0.1 and localhost and for a day, and its key on the curve P-256, in PEM.
///
/// The files have no names in any folder, so that nothing is left of them whatever ends this process; while it lives,
/// others read them at the paths here.
public final class TemporaryCertificate: Sendable {
  private let descriptors: [Int32]

  public var path: String { "/proc/\(getpid())/fd/\(descriptors[0])" }
  public var keyPath: String { "/proc/\(getpid())/fd/\(descriptors[1])" }

  public init() throws(Failure) {
    guard let key = Self.makeKey() else { throw Self.failed("make a key") }
    defer { EVP_PKEY_free(key) }
    guard let certificate = Self.makeCertificate(key) else { throw Self.failed("make a certificate") }
    defer { X509_free(certificate) }
    let first = try Self.write { PEM_write_bio_X509($0, certificate) }
    do throws(Failure) {
      descriptors = [first, try Self.write { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }]
    } catch {
      close(first)
      throw error
    }
  }

  deinit { for descriptor in descriptors { close(descriptor) } }

  private static func failed(_ what: String) -> Failure {
    Failure(.software, "OpenSSL could not \(what) for a temporary certificate (error \(ERR_get_error()))")
  }

  /// On the curve P-256.
  private static func makeKey() -> OpaquePointer? {
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1,
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
      EVP_PKEY_keygen(context, &key) == 1
    else { return nil }
    return key
  }

  private static func makeCertificate(_ key: OpaquePointer) -> OpaquePointer? {
    guard let certificate = X509_new() else { return nil }
    let name = X509_get_subject_name(certificate)
    let isMade =
      X509_set_version(certificate, 2) == 1
      && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1
      && X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil
      && X509_gmtime_adj(X509_getm_notAfter(certificate), 86_400) != nil
      && X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, "volley", -1, -1, 0) == 1
      && X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1
      && add(NID_basic_constraints, "critical,CA:TRUE", to: certificate)
      && add(NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost", to: certificate)
      && X509_sign(certificate, key, EVP_sha256()) > 0
    if isMade { return certificate }
    X509_free(certificate)
    return nil
  }

  private static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) -> Bool {
    guard let found = X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
    defer { X509_EXTENSION_free(found) }
    return X509_add_ext(certificate, found, -1) == 1
  }

  /// Writes a file that is in no folder.
  private static func write(_ body: (OpaquePointer?) -> Int32) throws(Failure) -> Int32 {
    guard let memory = BIO_new(BIO_s_mem()) else { throw failed("take memory") }
    defer { BIO_free(memory) }
    guard body(memory) == 1 else { throw failed("write PEM") }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    guard count > 0 else { throw failed("write PEM") }
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var path = Array("\(folder)/volley-certificate-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0 else { throw Failure(.io, "no file in \(folder): \(systemText(errno))") }
    unlink(path)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    guard Glibc.write(descriptor, bytes, Int(count)) == Int(count) else {
      let reason = systemText(errno)
      close(descriptor)
      throw Failure(.io, "no file can be written in \(folder): \(reason)")
    }
    return descriptor
  }
}
