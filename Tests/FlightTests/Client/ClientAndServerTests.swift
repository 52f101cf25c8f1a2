import Arrow
import Base
import Flight
import Networking
import TestSupport
import Testing
import VolleyPlan

/// Volley's client of Flight and its own server.
@Suite("Flight client and server")
struct ClientAndServerTests {
  private static let patient = FlightCallOptions(timeout: .seconds(600))

  @Test("every method", .timeLimit(.minutes(10)))
  func methods() async throws {
    let service = EchoService()
    let server = try LocalServer(service, state: service.state)
    let loop = try ClientLoop()
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    var generator = SeededGenerator()
    let batches = [5, 0, 70].map { FlightBatches.random($0, nulls: 3, offset: 1, &generator) }
    let put = await client.put("a", batches, Self.patient, .init(metadataAtEnd: "alone"))
    #expect(put.status == .ok && put.results == ["5 rows, 0", "0 rows, 1", "70 rows, 2", "alone"])
    let got = await client.get("a", Self.patient)
    #expect(got.status == .ok && got.batches == batches && got.metadata == ["0", "1", "2"], "\(generator)")
    let echoed = await client.echo(batches, Self.patient, .init(metadataAtEnd: "alone"))
    #expect(echoed.status == .ok && echoed.batches == batches && echoed.metadata == ["0", "1", "2", "alone"])
    let info = try await client.flightInfo(.path("a"), Self.patient)
    #expect(info.totalRecords == 75)
    let poll = try await client.pollFlightInfo(.path("a"), Self.patient)
    #expect(poll.progress == 1 && poll.descriptor == nil && poll.info?.serialized() == info.serialized())
    #expect(try await client.schema(.path("a"), Self.patient).schema == info.schema)
    #expect(try await client.listFlights(Criteria(), Self.patient).count == 1)
    #expect(try await client.actionTypes(Self.patient).map(\.type) == ["echo", "fail"])
    #expect(try await client.texts("echo", "xyz", Self.patient) == ["x", "y", "z"])
    #expect(try await client.health() == .serving)
    service.state.set(.notServing)
    #expect(try await client.health() == .notServing)
    for code in GRPCStatus.Code.allCases where code != .ok {
      let status = await client.failure("fail", "\(code.rawValue)", Self.patient)
      #expect(status == GRPCStatus(code, "it fails: 100 % – \"über\"\n"))
    }
    #expect(server.server.connectionCount == 1)
  }

  @Test("a server that stops lets calls end; then the client finds its successor", .timeLimit(.minutes(10)))
  func drains() async throws {
    let first = try LocalServer(EchoService())
    let loop = try ClientLoop()
    let client = FlightClient(to: first.endpoint, on: loop.loop)
    let begun = Monitor<FlightStream?>(nil)
    let call = Task {
      await client.echo([], Self.patient, .init(onBegin: { stream in begun.withLock { $0 = stream } }))
    }
    try await eventually { begun.withLock { $0 != nil } }
    // Behind it, so that the server has both.
    #expect(try await client.health() == .serving)
    let stopped = Task { await first.stop() }
    var refused: GRPCStatus?
    while refused == nil { refused = await client.failure("echo") }
    #expect(refused?.code == .unavailable)
    #expect(refused?.message.contains("nothing listens there") == true, "\(refused.map { "\($0)" } ?? "")")
    #expect(first.server.connectionCount == 1)
    let stream = try #require(begun.withLock { $0 })
    stream.execute { stream.finish() }
    #expect(await call.value.status == .ok)
    await stopped.value
    #expect(first.server.connectionCount == 0)
    let second = try LocalServer(EchoService(), port: first.port)
    #expect(try await client.texts("echo", "a", Self.patient) == ["a"])
    #expect(second.server.connectionCount == 1)
  }

  @Test("whoever waits for a server's end may listen at its port at once", .timeLimit(.minutes(10)))
  func portIsFree() async throws {
    var port: UInt16 = 0
    for _ in 0..<50 {
      let server = try LocalServer(EchoService(), port: port)
      port = server.port
      await server.stop()
    }
  }

  @Test("a server that dies fails its calls, and the client finds its successor", .timeLimit(.minutes(10)))
  func dies() async throws {
    let loop = try ClientLoop()
    var first: LocalServer? = try LocalServer(EchoService())
    let port = first?.port ?? 0
    let client = FlightClient(to: Endpoint(host: "127.0.0.1", port: port), on: loop.loop)
    let begun = Monitor(false)
    let call = Task {
      await client.echo([], Self.patient, .init(onBegin: { _ in begun.withLock { $0 = true } }))
    }
    try await eventually { begun.withLock { $0 } }
    #expect(try await client.health() == .serving)
    first = nil
    let status = await call.value.status
    #expect(status?.code == .unavailable && status?.message.isEmpty == false, "\(status.map { "\($0)" } ?? "")")
    let second = try LocalServer(EchoService(), port: port)
    #expect(try await client.texts("echo", "a", Self.patient) == ["a"])
    #expect(second.server.connectionCount == 1)
  }

  @Test("calls to where nobody listens are UNAVAILABLE, and say so", .timeLimit(.minutes(10)))
  func refused() async throws {
    let server = try LocalServer(EchoService())
    let endpoint = server.endpoint
    await server.stop()
    let loop = try ClientLoop()
    let client = FlightClient(to: endpoint, on: loop.loop)
    let status = await client.failure("echo")
    #expect(status?.code == .unavailable)
    #expect(
      status?.message
        == "no connection to \(endpoint): \(endpoint): nothing listens there (Connection refused, errno 111); check the address and that its server runs"
    )
    let put = await client.put("a", [.numbers(1)])
    #expect(put.status == status && put.beginnings == 1)
  }

  @Test("a call that cannot be made is told why", .timeLimit(.minutes(10)))
  func notMade() async throws {
    let server = try LocalServer(EchoService())
    let loop = try ClientLoop()
    var call = FlightCallOptions()
    try call.metadata.add("x-much", String(repeating: "x", count: 1 << 20))
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    #expect(await client.failure("echo", "", call)?.code == .invalidArgument)
    #expect(await client.get("a", call).status?.code == .invalidArgument)
    var options = FlightClientOptions()
    options.credentials = .bearer("two\nlines")
    let other = FlightClient(to: server.endpoint, on: loop.loop, options: options)
    #expect(await other.failure("echo")?.code == .invalidArgument)
    #expect(await other.get("a").status?.code == .invalidArgument)
    let ended = try EventLoop(name: "ended")
    ended.stop()
    let late = FlightClient(to: server.endpoint, on: ended)
    #expect(await late.failure("echo") == GRPCStatus(.unavailable, "the client's loop 'ended' has ended"))
    let isCalled = late.get(Ticket()) { _ in
      Issue.record("a handler is made")
      return FlightStreamHandler()
    }
    #expect(!isCalled)
  }

  @Test("messages over a side's limit are RESOURCE_EXHAUSTED", .timeLimit(.minutes(10)))
  func limits() async throws {
    var serverOptions = FlightServerOptions()
    serverOptions.messageLimit = 100_000
    serverOptions.smallMessageLimit = 1_000
    let service = EchoService()
    service.store("large", .init(schema: IPCSchema(RecordBatch.numbers(1).schema.fields), batches: [.numbers(2_000)]))
    let server = try LocalServer(service, options: serverOptions)
    let loop = try ClientLoop()
    var options = FlightClientOptions()
    options.messageLimit = 50_000
    options.answerLimit = 10_000
    let client = FlightClient(to: server.endpoint, on: loop.loop, options: options)
    #expect(await client.failure("echo", String(repeating: "x", count: 2_000))?.code == .resourceExhausted)
    #expect(await client.failure("many")?.code == .resourceExhausted)
    #expect(await client.put("a", [.numbers(10_000)]).status?.code == .resourceExhausted)
    #expect(await client.get("large").status?.code == .resourceExhausted)
    #expect(try await client.texts("echo", "x") == ["x"])
  }

  @Test(
    "closing lets the call that has just begun end, whether the connection is there or not", .timeLimit(.minutes(10)))
  func closes() async throws {
    let service = EchoService()
    service.store("one", .init(schema: IPCSchema(RecordBatch.numbers(1).schema.fields), batches: [.numbers(1)]))
    let server = try LocalServer(service)
    let loop = try ClientLoop()
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    for isThere in [false, true, true] {
      if isThere { #expect(try await client.health() == .serving) }
      let outcome = await withCheckedContinuation { continuation in
        client.get(Ticket(ticket: Array("one".utf8))) { _ in
          StreamClient(.init(), sends: false) { continuation.resume(returning: $0) }
        }
        client.close()
      }
      #expect(outcome.status == .ok && outcome.batches.count == 1)
      try await eventually { server.server.connectionCount == 0 }
    }
    // One that nobody has any more closes its connection.
    var dropped: FlightClient? = FlightClient(to: server.endpoint, on: loop.loop)
    _ = try await dropped?.health()
    #expect(server.server.connectionCount == 1)
    dropped = nil
    try await eventually { server.server.connectionCount == 0 }
  }

  @Test("a burst of calls waits for the connection and for the server's bound", .timeLimit(.minutes(10)))
  func burst() async throws {
    var options = FlightServerOptions()
    // What a client takes for granted before the server's SETTINGS have come.
    options.connection.session.maxConcurrentStreams = 100
    let server = try LocalServer(EchoService(), options: options)
    let loop = try ClientLoop()
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    let answers = try await withThrowingTaskGroup(of: [String].self) { group in
      for index in 0..<3_000 { group.addTask { try await client.texts("echo", "\(index % 10)") } }
      return try await group.reduce(into: 0) { $0 += $1.count }
    }
    #expect(answers == 3_000 && server.server.connectionCount == 1)
  }
}
