import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// Certificate files: what is refused, and what happens when they change.
@Suite("TLS context")
struct TLSContextTests {
  /// Puts a file in another one's place in one step.
  private func replace(_ path: String, with other: String) {
    let content = TestProcess.contents(of: other)!
    let handle = fopen("\(path).new", "w")!
    fwrite(content, 1, content.count, handle)
    fclose(handle)
    precondition(rename("\(path).new", path) == 0)
  }

  @Test("Files that cannot be used are refused with a sentence that names them")
  func refused() throws {
    let authority = TestAuthority()
    let folder = authority.folder
    let pair = authority.issue("server")
    let other = authority.issue("other")
    let garbage = folder.write("garbage.pem", "hello")
    let empty = folder.write("empty.pem", "")
    let broken = folder.write(
      "broken.pem", "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIBATAKBg\n-----END CERTIFICATE-----\n")
    let half = folder.write("half.pem", TestProcess.contents(of: pair.certificate)!.prefix(200))
    authority.openssl([
      "pkey", "-in", pair.key, "-aes128", "-passout", "pass:secret", "-out", folder.file("locked.key"),
    ])
    for (certificate, key, authorities, message) in [
      ("/no/such.pem", pair.key, nil, "the certificate '/no/such.pem' cannot be read (No such file"),
      (pair.certificate, "/no/such.key", nil, "the private key '/no/such.key' cannot be read"),
      (folder.path, pair.key, nil, "is no file"),
      (empty, pair.key, nil, "'\(empty)' is empty"),
      (garbage, pair.key, nil, "'\(garbage)' holds no certificate in PEM"),
      (broken, pair.key, nil, "'\(broken)'"),
      (half, pair.key, nil, "'\(half)'"),
      (pair.certificate, garbage, nil, "'\(garbage)' holds no private key in PEM"),
      (pair.certificate, folder.file("locked.key"), nil, "is behind a password"),
      (pair.certificate, other.key, nil, "is not that of the certificate '\(pair.certificate)'"),
      (pair.certificate, pair.key, garbage, "'\(garbage)' holds no certificate in PEM"),
    ] as [(String, String, String?, String)] {
      let failure = #expect(throws: Failure.self) {
        try TLSContext.server(certificate: certificate, key: key, clientAuthorities: authorities) { _ in }
      }
      #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }
    let failure = #expect(throws: Failure.self) { try TLSContext.client(certificate: pair.certificate) { _ in } }
    #expect(failure?.kind == .usage)
  }

  @Test("New connections get the certificate that was put in place, and open ones go on")
  func rotation() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let next = authority.issue("next")
    let reports = Monitor<[Failure]>([])
    let context = try authority.server(pair) { failure in reports.withLock { $0.append(failure) } }
    let group = try EventLoopGroup(name: "test", count: 1)
    defer { group.stop() }
    let server = try TestServer(group, tls: context) { .echo() }
    let client = try authority.client()
    func connect() -> (TestPeer, String?) {
      let peer = TestPeer.connect(to: server.endpoint, on: group.next(), tls: client)
      #expect(peer.wait { $0.connected == 1 })
      return (peer, peer.onLoop { $0.peerCertificate?.subject })
    }
    let (old, first) = connect()
    #expect(first == "CN=server,O=volley")

    // The certificate alone: it does not fit the key, and is not used, and told once.
    replace(pair.certificate, with: next.certificate)
    for _ in 0..<3 { #expect(connect().1 == "CN=server,O=volley") }
    #expect(reports.withLock { $0.count } == 1)
    #expect(reports.withLock { $0.first?.message.contains("is not that of the certificate") } == true)
    replace(pair.key, with: next.key)
    #expect(connect().1 == "CN=next,O=volley")

    // Half of a file, written in place.
    let whole = TestProcess.contents(of: pair.certificate)!
    authority.folder.write("server.pem", whole.prefix(300))
    for _ in 0..<3 { #expect(connect().1 == "CN=next,O=volley") }
    #expect(reports.withLock { $0.count } == 2)
    authority.folder.write("server.pem", whole)
    #expect(connect().1 == "CN=next,O=volley")
    unlink(pair.key)
    #expect(connect().1 == "CN=next,O=volley")
    #expect(reports.withLock { $0.count } == 3)

    old.send([1, 2, 3])
    #expect(old.wait { $0.bytes == [1, 2, 3] })
  }

  @Test("The files are looked at no more than once in the interval")
  func interval() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let context = try authority.server(pair, interval: .max / 2)
    let first = context.current()
    let next = authority.issue("next")
    replace(pair.key, with: next.key)
    replace(pair.certificate, with: next.certificate)
    #expect(context.current() === first)
    let eager = try authority.server(pair)
    #expect(eager.current() === eager.current())
  }
}
