import Arrow
import ArrowTestSupport
import Base
import Dataflow
import Glibc
import Observability
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// The Flight connectors with TLS, beside pyarrow's servers and clients.
@Suite("Flight with TLS", .timeLimit(.minutes(3))) struct FlightTLSTests {
  private static let numbers = [Field("n", .int64), Field("s", .utf8)]
  private static let row = batch(numbers, [[.int64(7), .utf8("x")]])

  private static func files(_ pair: TestAuthority.Pair, trusting authority: String?) -> [JSONValue.Member] {
    [.init("tlsCertificate", .string(pair.certificate)), .init("tlsKey", .string(pair.key))]
      + (authority.map { [.init("tlsAuthorities", .string($0))] } ?? [])
  }

  private static func trusting(_ authority: String, name: String? = nil) -> [JSONValue.Member] {
    [.init("tlsAuthorities", .string(authority))] + (name.map { [.init("tlsServerName", .string($0))] } ?? [])
  }

  /// Puts a row, and reads it again from a file of the server's.
  private static func exchange(
    _ uri: String, _ server: PythonFlightServer, _ options: [JSONValue.Member]
  ) -> String {
    message {
      let common: [JSONValue.Member] = [.init("uri", .string(uri)), .init("timeout", 5)] + options
      try run(try makeSink("flight", common + [.init("path", "rows")], numbers).make(alone), [row])
      let path = server.folder.file("rows")
      try run(try makeSink("arrowstream", [.init("path", .string(path))], numbers).make(alone), [row])
      let ticket = JSONValue.Member("ticket", .string("file:\(path)"))
      let found = try batches(of: try makeSource("flight", common + [ticket], numbers).make(alone))
      #expect(texts(found) == texts([row]))
    }
  }

  @Test("source and sink speak to pyarrow's server when its certificate is for its name and by whom they trust")
  func clients() async throws {
    try await aside {
      let (authority, other) = (TestAuthority(), TestAuthority())
      let server = try PythonFlightServer(tls: authority.issue("server"))
      #expect(server.uri.hasPrefix("grpc+tls://localhost:"))
      func said(_ options: [JSONValue.Member]) -> String { Self.exchange(server.uri, server, options) }
      #expect(said(Self.trusting(authority.certificate)) == "no failure")
      let wrong = said(Self.trusting(other.certificate))
      #expect(wrong.contains("certificate") && wrong.contains("UNAVAILABLE"), "\(wrong)")
      // The system trusts neither.
      #expect(said([]).contains("certificate"))
      let name = said(Self.trusting(authority.certificate, name: "elsewhere.example"))
      #expect(name.contains("elsewhere.example"), "\(name)")
      let clear = Self.exchange("grpc://localhost:\(server.port)", server, [])
      #expect(clear != "no failure")

      let named = try PythonFlightServer(tls: authority.issue("named", "DNS:flight.example"))
      #expect(Self.exchange(named.uri, named, Self.trusting(authority.certificate)).contains("localhost"))
      #expect(
        Self.exchange(named.uri, named, Self.trusting(authority.certificate, name: "flight.example")) == "no failure")

      // A server with TLS that names a place in the clear.
      let path = server.folder.file("rows")
      let options: [JSONValue.Member] =
        [.init("uri", .string(server.uri)), .init("path", .array(["file", .string(path), "2"]))]
        + Self.trusting(authority.certificate)
      let leak = message { _ = try batches(of: try makeSource("flight", options, Self.numbers).make(alone)) }
      #expect(leak.hasSuffix("is in the clear, and the server that names it has TLS"), "\(leak)")
    }
  }

  @Test("a server that asks clients for certificates gets the one of the options")
  func mutual() async throws {
    try await aside {
      let (authority, other) = (TestAuthority(), TestAuthority())
      let server = try PythonFlightServer(tls: authority.issue("server"), clients: authority.certificate)
      func said(_ options: [JSONValue.Member]) -> String { Self.exchange(server.uri, server, options) }
      #expect(said(Self.files(authority.issue("ada"), trusting: authority.certificate)) == "no failure")
      #expect(said(Self.trusting(authority.certificate)) != "no failure")
      #expect(said(Self.files(other.issue("eve"), trusting: authority.certificate)) != "no failure")
    }
  }

  /// Clients that put a row to the stream `put` at the port: with the authority that each trusts, and the certificate and key that it
  /// shows or two empty texts. What each is told.
  private static func put(
    _ port: UInt16, _ stream: String, _ clients: [[String]], at host: String = "127.0.0.3"
  ) -> String {
    let program = """
      import sys, pyarrow as pa, pyarrow.flight as flight
      address, stream, *files = sys.argv[1:]
      schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
      for index in range(0, len(files), 3):
          roots, cert, key = [open(path, 'rb').read() if path else None for path in files[index:index + 3]]
          try:
              client = flight.connect(
                  'grpc+tls://' + address, tls_root_certs=roots, cert_chain=cert, private_key=key)
              call = flight.FlightCallOptions(timeout=20)
              writer, reader = client.do_put(flight.FlightDescriptor.for_path(stream), schema, call)
              writer.write_batch(pa.record_batch([[7], ['x']], schema=schema))
              writer.done_writing()
              reader.read()
              writer.close()
              print('OK')
          except pa.ArrowException as error: print(type(error).__name__)
      """
    let outcome = TestProcess.python(program, arguments: ["\(host):\(port)", stream] + clients.flatMap { $0 })
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.output
  }

  private static func listening(
    _ stream: String, _ options: [JSONValue.Member], log: EventLog? = nil
  ) throws -> (source: Unchecked<FlightListenSource>, port: UInt16) {
    let options: [JSONValue.Member] = [.init("stream", .string(stream))] + options
    let made = try makeSource("flight-listen", options, numbers, log: log).make(alone)
    let source = try #require(made as? FlightListenSource)
    try source.open()
    return (Unchecked(source), try #require(source.seat).addresses[0].port)
  }

  /// Reads to the end beside the test, counts rows and closes.
  private static func reads(_ source: Unchecked<FlightListenSource>) throws -> Monitor<Int?> {
    let read = Monitor<Int?>(nil)
    try OSThread(name: "reader") {
      var rows = 0
      var hasEnded = false
      while !hasEnded {
        switch try? source.value.read(maxRows: 100, timeout: .seconds(1)) {
        case .batch(let batch)?: rows += batch.length
        case .idle?: continue
        default: hasEnded = true
        }
      }
      source.value.close()
      read.withLock { [rows] in $0 = rows }
      read.broadcast()
    }.detach()
    return read
  }

  @Test("pyarrow's clients put to a source with TLS if they trust its authority, and its files may change")
  func servers() async throws {
    try await aside {
      let (authority, other) = (TestAuthority(), TestAuthority())
      let names = "IP:127.0.0.3"
      let pair = authority.issue("server", names)
      let (source, port) = try Self.listening(
        "tls", [.init("address", "127.0.0.3:0"), .init("clients", 2)] + Self.files(pair, trusting: nil))
      let rows = try Self.reads(source)
      let said = Self.put(port, "tls", [[other.certificate, "", ""], [authority.certificate, "", ""]])
      #expect(said == "FlightUnavailableError\nOK\n")
      // Another connector at that address has to have the same certificates.
      let differs = message { _ = try Self.listening("two", [.init("address", "127.0.0.3:0")]) }
      #expect(differs.contains("with other options of TLS"), "\(differs)")
      let renewed = other.issue("server", names)
      #expect(rename(renewed.key, pair.key) == 0 && rename(renewed.certificate, pair.certificate) == 0)
      // The files are looked at once a second at most.
      let deadline = MonotonicTime.now + 60_000_000_000
      while Self.put(port, "tls", [[other.certificate, "", ""]]) != "OK\n" {
        try #require(MonotonicTime.now < deadline)
      }
      #expect(rows.wait(until: .now + 20_000_000_000) { $0 } == 2)
    }
  }

  @Test("clients without a certificate, or with one of another authority, do not come to a server that asks for one")
  func mutualServer() async throws {
    try await aside {
      let (authority, other) = (TestAuthority(), TestAuthority())
      let (ada, eve) = (authority.issue("ada"), other.issue("eve"))
      let told = Monitor<[String]>([])
      let log = EventLog(minimum: .warning) { event in
        told.withLock { $0.append("\(event.name) \(event.message)") }
      }
      let (source, port) = try Self.listening(
        "mutual",
        [.init("address", "127.0.0.2:0"), .init("clients", 1)]
          + Self.files(authority.issue("server", "IP:127.0.0.2"), trusting: authority.certificate), log: log)
      let rows = try Self.reads(source)
      let said = Self.put(
        port, "mutual",
        [
          [authority.certificate, "", ""], [authority.certificate, eve.certificate, eve.key],
          [authority.certificate, ada.certificate, ada.key],
        ], at: "127.0.0.2")
      #expect(said == "FlightUnavailableError\nFlightUnavailableError\nOK\n")
      // Whoever runs the job learns why clients do not come.
      let reports = told.withLock { $0 }
      #expect(
        reports.contains {
          $0.hasPrefix("flight.connection source 'orders' (flight-listen): ") && $0.contains("certificate")
        },
        "\(reports)")
      #expect(rows.wait(until: .now + 20_000_000_000) { $0 } == 1)
    }
  }

  @Test("options that do not go together")
  func options() throws {
    let clear: [JSONValue.Member] = [.init("uri", "grpc://x:1"), .init("path", "p")]
    let secure: [JSONValue.Member] = [.init("uri", "grpc+tls://x:1"), .init("path", "p")]
    func refusal(_ sink: String, _ options: [JSONValue.Member]) -> String {
      message { _ = try makeSink(sink, options, Self.numbers).make(alone) }
    }
    let plain = refusal("flight", clear + Self.trusting("x"))
    #expect(plain.contains("'grpc://x:1' is in the clear; expected grpc+tls://"))
    let half = refusal("flight", secure + [.init("tlsKey", "x")])
    #expect(half.contains("'tlsCertificate' and 'tlsKey' belong together"))
    #expect(refusal("flight", secure + Self.trusting("/nowhere")).contains("/nowhere"))
    #expect(refusal("flight-serve", [.init("stream", "s")] + Self.trusting("x")).contains("give these as well"))
    #expect(refusal("flight-serve", [.init("stream", "s"), .init("tlsServerName", "x")]).contains("tlsServerName"))
  }
}
