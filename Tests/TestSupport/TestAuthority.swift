/// Issues certificates with the openssl program, in a folder of its own.
public final class TestAuthority {
  public let folder = TemporaryFolder()

  public init() {
    folder.write(
      "ca.conf",
      """
      [ca]
      default_ca = all
      [all]
      database = \(folder.file("index"))
      serial = \(folder.file("serial"))
      new_certs_dir = \(folder.path)
      default_md = sha256
      policy = any
      copy_extensions = copy
      unique_subject = no
      [any]
      organizationName = optional
      commonName = supplied

      """)
    folder.write("index", "")
    folder.write("serial", "01\n")
    openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test authority",
      "-days", "30", "-keyout", folder.file("ca.key"), "-out", certificate,
    ])
  }

  /// Its own, which others may trust.
  public var certificate: String { folder.file("ca.pem") }

  public func openssl(_ arguments: [String]) {
    let outcome = TestProcess.run(["openssl"] + arguments)
    precondition(outcome.status == 0, "openssl (apt install openssl): \(outcome.errors)")
  }

  /// Paths of a certificate and its private key.
  public struct Pair: Sendable {
    public var certificate: String
    public var key: String
  }

  /// A certificate for names such as `DNS:localhost,IP:127.0.0.1`.
  ///
  /// - Parameters:
  ///   - file: what its files are called.
  ///   - start, end: of its validity, as YYYYMMDDHHMMSSZ.
  public func issue(
    _ file: String, _ names: String = "DNS:localhost,IP:127.0.0.1", start: String = "20200101000000Z",
    end: String = "20990101000000Z"
  ) -> Pair {
    let pair = Pair(certificate: folder.file("\(file).pem"), key: folder.file("\(file).key"))
    openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=volley/CN=\(file)",
      "-addext", "subjectAltName=\(names)", "-keyout", pair.key, "-out", folder.file("\(file).csr"),
    ])
    openssl([
      "ca", "-batch", "-notext", "-config", folder.file("ca.conf"), "-cert", certificate, "-keyfile",
      folder.file("ca.key"), "-in", folder.file("\(file).csr"), "-out", pair.certificate, "-startdate", start,
      "-enddate", end,
    ])
    return pair
  }
}
