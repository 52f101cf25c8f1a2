import TestSupport

/// An authority, and what it issues with the openssl program, in a folder of its own.
struct TestCertificates {
  struct Pair: Sendable {
    var certificate: String
    var key: String
  }

  let folder = TemporaryFolder()

  init() {
    openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test authority",
      "-days", "30", "-keyout", folder.file("ca.key"), "-out", authority,
    ])
  }

  /// Its own certificate's path.
  var authority: String { folder.file("ca.pem") }

  private func openssl(_ arguments: [String]) {
    let outcome = TestProcess.run(["openssl"] + arguments)
    precondition(outcome.status == 0, "openssl (apt install openssl): \(outcome.errors)")
  }

  /// A certificate for names such as `DNS:localhost,IP:127.0.0.1`.
  ///
  /// - Parameter file: what its files are called.
  func issue(_ file: String, _ names: String = "DNS:localhost,IP:127.0.0.1") -> Pair {
    let pair = Pair(certificate: folder.file("\(file).pem"), key: folder.file("\(file).key"))
    openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=volley/CN=\(file)",
      "-addext", "subjectAltName=\(names)", "-addext", "basicConstraints=critical,CA:FALSE", "-days", "30",
      "-CA", authority, "-CAkey", folder.file("ca.key"), "-keyout", pair.key, "-out", pair.certificate,
    ])
    return pair
  }
}
