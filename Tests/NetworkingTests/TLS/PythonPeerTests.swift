import Base
import TestSupport
import Testing

@testable import Networking

/// Python's `ssl` as the other side.
@Suite("TLS with Python")
struct PythonPeerTests {
  private static let client = """
    import socket, ssl, sys
    port, ca, version = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    context.set_alpn_protocols(["http/1.1", "h2"])
    data = bytes(i * 7 % 251 for i in range(1000003))
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as s:
        got = bytearray()
        for start in range(0, len(data), 50000):
            s.sendall(data[start:start + 50000])
            while len(got) < min(len(data), start + 50000):
                part = s.recv(100000)
                assert part
                got += part
        assert bytes(got) == data
        print(s.version(), s.selected_alpn_protocol(), s.getpeercert()["subject"][1][0][1])
        s.unwrap()
    """

  @Test("A Python client is answered, in both versions", arguments: ["TLSv1_2", "TLSv1_3"])
  func pythonClient(_ version: String) throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let group = try EventLoopGroup(name: "test", count: 2)
    defer { group.stop() }
    let server = try TestServer(group, tls: authority.server(pair)) { .echo() }
    let outcome = TestProcess.python(
      Self.client, arguments: ["\(server.endpoint.port)", authority.certificate, version])
    let dotted = version.replacing("_", with: ".")
    #expect(outcome.output == "\(dotted) h2 server\n", "\(outcome.errors)")
    #expect(server.peer().wait { $0.closed == 1 } && server.peer().now.failure == nil)
  }

  @Test("A Python client of an old version is refused with a sentence")
  func oldVersion() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let group = try EventLoopGroup(name: "test", count: 1)
    defer { group.stop() }
    let server = try TestServer(group, tls: authority.server(pair))
    let outcome = TestProcess.python(
      """
      import socket, ssl, sys, warnings
      warnings.simplefilter("ignore")
      context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
      context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
      context.set_ciphers("ALL:@SECLEVEL=0")
      context.minimum_version = ssl.TLSVersion.TLSv1
      context.maximum_version = ssl.TLSVersion.TLSv1_1
      try:
          context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
      except ssl.SSLError as error:
          print(error.reason)
      """, arguments: ["\(server.endpoint.port)"])
    #expect(outcome.output.contains("PROTOCOL_VERSION"), "\(outcome.output) \(outcome.errors)")
    #expect(server.peer().wait { $0.closed == 1 })
    #expect(server.peer().now.failure?.message.contains("older than 1.2") == true)
  }

  private static let server = """
    import socket, ssl, sys
    certificate, key, ca = sys.argv[1:4]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with open(sys.argv[4] + ".part", "w") as file:
            file.write(str(listener.getsockname()[1]))
        import os
        os.rename(sys.argv[4] + ".part", sys.argv[4])
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as s:
            print(s.version(), s.selected_alpn_protocol(), s.getpeercert()["subject"][1][0][1])
            while True:
                part = s.recv(100000)
                if not part:
                    break
                s.sendall(part)
            s.unwrap()
    """

  @Test("A Python server is understood, and sees our certificate")
  func pythonServer() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let own = authority.issue("worker")
    let portFile = authority.folder.file("port")
    let output = Monitor<TestProcess.Outcome?>(nil)
    let arguments = [pair.certificate, pair.key, authority.certificate, portFile]
    let thread = try OSThread(name: "python") {
      let outcome = TestProcess.python(Self.server, arguments: arguments)
      output.withLock { $0 = outcome }
    }
    let end = MonotonicTime.now + TestPeer.patience
    var port: UInt16?
    while port == nil, MonotonicTime.now < end, output.withLock({ $0 == nil }) {
      port = authority.folder.read("port").flatMap { UInt16(String(decoding: $0, as: UTF8.self)) }
    }
    let group = try EventLoopGroup(name: "test", count: 1)
    defer { group.stop() }
    let target = Endpoint(host: "localhost", port: try #require(port, "\(output.withLock { $0?.errors ?? "" })"))
    let peer = TestPeer.connect(to: target, on: group.next(), tls: try authority.client(own))
    let content = pattern(1_500_000)
    peer.send(content)
    #expect(peer.wait { $0.bytes.count == content.count || $0.closed == 1 })
    peer.onLoop { $0.endOutput() }
    #expect(peer.wait { $0.closed == 1 })
    thread.join()
    #expect(peer.now.bytes == content && peer.now.applicationProtocol == "h2")
    #expect(peer.now.failure == nil, "\(peer.now.failure?.message ?? "")")
    #expect(output.withLock { $0?.output } == "TLSv1.3 h2 worker\n", "\(output.withLock { $0?.errors ?? "" })")
  }
}
