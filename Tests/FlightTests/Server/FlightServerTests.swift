import Arrow
import ArrowTestSupport
import Base
import Flight
import Networking
import TestSupport
import Testing
import VolleyPlan

/// Volley's server of Flight, and pyarrow's client, which is C++ with gRPC's own.
@Suite("Flight server beside pyarrow")
struct FlightServerTests {
  /// A server on a port of its own, ended with the test.
  private final class Running {
    let service = EchoService()
    let group: EventLoopGroup
    let server: FlightServer
    let failures = Monitor<[Failure]>([])

    init(_ options: FlightServerOptions = FlightServerOptions()) throws {
      group = try EventLoopGroup(name: "flight", count: 2)
      let failures = failures
      server = try FlightServer(
        service, at: [Endpoint(host: "localhost", port: 0)], on: group, options: options,
        report: { failure in failures.withLock { $0.append(failure) } })
    }

    deinit { group.stop() }

    func check(_ names: String...) async throws {
      let peer = try await TestProcess.runAside(
        ["python3", FlightServerTests.folder + "/../Peers/client.py", "\(server.addresses[0].port)"] + names)
      #expect(peer.status == 0, "\(peer.errors.suffix(3_000))")
      #expect(peer.output.split(separator: "\n").map { String($0) } == names)
      #expect(failures.withLock { $0 } == [])
    }
  }

  private static let folder = String(#filePath.prefix(#filePath.utf8.count - "/FlightServerTests.swift".utf8.count))

  @Test("every method", .timeLimit(.minutes(10)))
  func methods() async throws { try await Running().check("methods") }

  @Test("metadata with batches and alone, each acknowledged", .timeLimit(.minutes(10)))
  func putMetadata() async throws { try await Running().check("put_metadata") }

  @Test("batches go both ways at once", .timeLimit(.minutes(10)))
  func exchange() async throws {
    let running = try Running()
    try await running.check("exchange")
    try await eventually { running.service.endings.withLock { $0.count } == 4 }
    #expect(running.service.endings.withLock { $0 } == [String](repeating: "exchange OK", count: 4))
  }

  @Test("batches without rows, of one row and of 64 MB, dictionaries, long texts", .timeLimit(.minutes(10)))
  func sizes() async throws { try await Running().check("sizes") }

  @Test("each status arrives as what it is, and deadlines end calls and their tasks", .timeLimit(.minutes(10)))
  func errors() async throws {
    let running = try Running()
    try await running.check("errors")
    // Not a wait that holds one of the few threads of tasks: the action is one.
    // Each that has begun is cancelled once.
    try await eventually {
      let cancelled = running.service.cancelled.withLock { $0 }
      return cancelled > 0 && cancelled == running.service.waits.withLock { $0 }
    }
  }

  @Test("a stream that is cancelled in the middle ends for the server too", .timeLimit(.minutes(10)))
  func cancels() async throws {
    let running = try Running()
    let batch = RecordBatch.numbers(8_192)
    for name in ["endless", "one"] {
      running.service.store(
        name, .init(schema: IPCSchema(batch.schema.fields), batches: [name == "one" ? RecordBatch.numbers(1) : batch]))
    }
    try await running.check("cancels")
    try await eventually { running.service.endings.withLock { $0.first } != nil }
    #expect(running.service.endings.withLock { $0.first } == "get CANCELLED")
  }

  @Test("metadata of text and of bytes", .timeLimit(.minutes(10)))
  func metadata() async throws { try await Running().check("metadata") }

  @Test("users shake hands in both ways, and tokens say who calls", .timeLimit(.minutes(10)))
  func login() async throws {
    var options = FlightServerOptions()
    options.authenticator = FlightTokens(users: ["ada": "secret"], tokens: ["fixed": "machine"])
    try await Running(options).check("login")
  }
}

extension RecordBatch {
  /// Four columns of 8 bytes.
  static func numbers(_ rows: Int) -> RecordBatch {
    let columns = (0..<4).map { column in
      RandomColumns.column(.int64, (0..<rows).map { .int64(Int64($0 + column)) })
    }
    return RecordBatch(schema: Schema((0..<4).map { Field("c\($0)", .int64) }), columns: columns, length: rows)
  }
}
