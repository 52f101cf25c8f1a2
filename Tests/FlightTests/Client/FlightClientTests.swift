import Arrow
import ArrowTestSupport
import Base
import Flight
import Networking
import TestSupport
import Testing
import VolleyPlan

/// Volley's client of Flight, and pyarrow's server, which is C++ with gRPC's own.
@Suite("Flight client beside pyarrow")
struct FlightClientTests {
  /// A client on a loop of its own, beside a server that ends with it.
  private final class Peer {
    let loop: EventLoop
    let process: PeerProcess
    let client: FlightClient

    init(_ arguments: String..., options: FlightClientOptions = FlightClientOptions()) async throws {
      process = try await PeerProcess.python("server.py", arguments.first ?? "")
      loop = try EventLoop(name: "client")
      client = FlightClient(to: Endpoint(host: "localhost", port: process.port), on: loop, options: options)
    }

    deinit { loop.stop() }

    func another(_ options: FlightClientOptions) -> FlightClient {
      FlightClient(to: client.endpoint, on: loop, options: options)
    }
  }

  private static let patient = FlightCallOptions(timeout: .seconds(600))

  @Test("every method", .timeLimit(.minutes(10)))
  func methods() async throws {
    let peer = try await Peer()
    let client = peer.client
    let batches = [RecordBatch.numbers(300), RecordBatch.numbers(300), RecordBatch.numbers(1)]
    let put = await client.put("a", batches, Self.patient)
    #expect(put.status == .ok && put.results == ["300 rows, 0", "300 rows, 1", "1 rows, 2"] && put.beginnings == 1)
    #expect(await client.put("b", [.numbers(1)], Self.patient).status == .ok)
    let got = await client.get("a", Self.patient)
    #expect(got.status == .ok && got.batches == batches && got.schema?.fields == batches[0].schema.fields)
    let info = try await client.flightInfo(.path("a"), Self.patient)
    #expect(info.totalRecords == 601 && info.descriptor == .path("a") && info.endpoints.count == 1)
    #expect(info.endpoints[0].ticket == Ticket(ticket: Array("a".utf8)))
    #expect(info.endpoints[0].locations == [Location(uri: "grpc://elsewhere:1")])
    #expect(try await client.flightInfo(.command(Array("a".utf8)), Self.patient).totalRecords == 601)
    #expect(try await client.schema(.path("a"), Self.patient).schema == info.schema)
    #expect(try await client.listFlights(Criteria(), Self.patient).map(\.descriptor) == [.path("a"), .path("b")])
    let listed = try await client.listFlights(Criteria(expression: Array("b".utf8)), Self.patient)
    #expect(listed.map(\.descriptor) == [.path("b")])
    #expect(
      try await client.actionTypes(Self.patient)
        == [ActionType(type: "echo", description: "gives back what it is given, in pieces"), ActionType(type: "fail")])
    #expect(try await client.texts("echo", "xyz", Self.patient) == ["x", "y", "z"])
    let many = try await client.act(Action(type: "many"), Self.patient)
    #expect(many.count == 2_000 && many.allSatisfy { $0.body.count == 4_096 } && many[7].body[0] == 7)
    // pyarrow's servers have none.
    do {
      _ = try await client.pollFlightInfo(.path("a"), Self.patient)
      Issue.record("PollFlightInfo is answered")
    } catch {
      #expect(error.code == .unimplemented)
    }
  }

  @Test("metadata with batches and alone, each acknowledged", .timeLimit(.minutes(10)))
  func putMetadata() async throws {
    let peer = try await Peer()
    let batches = (1...5).map { RecordBatch.numbers($0) }
    let put = await peer.client.put("metadata", batches, Self.patient, .init(metadataAtEnd: "alone"))
    #expect(put.results == (0..<5).map { "\($0 + 1) rows, \($0)" } + ["alone"] && put.status == .ok)
    let got = await peer.client.get("metadata", Self.patient)
    #expect(got.batches == batches && got.metadata == ["0", "1", "2", "3", "4"])
  }

  @Test("batches go both ways at once", .timeLimit(.minutes(10)), arguments: [1, 1_024, 65_536])
  func exchange(_ rows: Int) async throws {
    let peer = try await Peer()
    // At 65,536 rows 42 MB, more than both sides' windows: nobody writes all before it reads.
    let batches = [RecordBatch](repeating: .numbers(rows), count: 20)
    let echoed = await peer.client.echo(batches, Self.patient, .init(metadataAtEnd: "alone"))
    #expect(echoed.status == .ok && echoed.batches == batches)
    #expect(echoed.metadata == (0..<20).map { "\($0)" } + ["alone"])
  }

  @Test("batches without rows, of one row and of 64 MB", .timeLimit(.minutes(10)))
  func sizes() async throws {
    let peer = try await Peer()
    for rows in [0, 1, 2_000_000] {
      let batch = RecordBatch.numbers(rows)
      let put = await peer.client.put("n\(rows)", [batch], Self.patient)
      #expect(put.status == .ok && put.results == ["\(rows) rows, 0"])
      let got = await peer.client.get("n\(rows)", Self.patient)
      #expect(got.status == .ok && got.schema?.fields == batch.schema.fields)
      // pyarrow sends tables without rows as no batch, and large ones in as many as it likes.
      #expect(got.batches.reduce(0) { $0 + $1.length } == rows)
      if rows > 0 { #expect(got.batches == [batch]) }
      let echoed = await peer.client.echo([batch], Self.patient)
      #expect(echoed.status == .ok && echoed.batches == [batch])
    }
  }

  @Test("columns of every type", .timeLimit(.minutes(10)))
  func types() async throws {
    let peer = try await Peer()
    var generator = SeededGenerator()
    for nulls in [0, 3] {
      let batches = [5, 0, 70, 1].map { FlightBatches.random($0, nulls: nulls, offset: 3, &generator) }
      let echoed = await peer.client.echo(batches, Self.patient)
      #expect(echoed.status == .ok && echoed.batches == batches, "\(generator)")
      #expect(echoed.schema?.fields == batches[0].schema.fields)
      #expect(await peer.client.put("types", batches, Self.patient).status == .ok)
      let got = await peer.client.get("types", Self.patient)
      #expect(
        got.status == .ok && got.batches.filter { $0.length > 0 } == batches.filter { $0.length > 0 }, "\(generator)")
    }
  }

  @Test("each status arrives as what it is, with its words", .timeLimit(.minutes(10)))
  func errors() async throws {
    let peer = try await Peer()
    let client = peer.client
    for code: GRPCStatus.Code in [
      .cancelled, .invalidArgument, .deadlineExceeded, .notFound, .permissionDenied, .unimplemented, .internal,
      .unavailable, .unauthenticated,
    ] {
      let status = await client.failure("fail", "\(code.rawValue)", Self.patient)
      #expect(status?.code == code && status?.message.contains("it fails: 100 % – \"über\"") == true, "\(code)")
    }
    let got = await client.get("none", Self.patient)
    #expect(got.status?.code == .notFound && got.status?.message.contains("there is no flight 'none'") == true)
    do {
      _ = try await client.flightInfo(.path("none"), Self.patient)
      Issue.record("there is a flight")
    } catch {
      #expect(error.code == .notFound && error.message.contains("über"))
    }
    // After a batch.
    let broken = await client.get("broken", Self.patient)
    #expect(broken.batches.count == 1 && broken.status?.code == .unavailable)
    #expect(broken.status?.message.contains("broken in the middle") == true)
    #expect(await client.failure("none", "", Self.patient)?.code == .unimplemented)
  }

  @Test("a deadline ends calls, of messages and of batches", .timeLimit(.minutes(10)))
  func deadlines() async throws {
    let peer = try await Peer()
    #expect(await peer.client.failure("wait", "", FlightCallOptions(timeout: .zero))?.code == .deadlineExceeded)
    // The server ends neither by itself in that time. On a busy machine it takes long until the first batch is here.
    var call = FlightCallOptions(timeout: .milliseconds(300))
    #expect(await peer.client.failure("wait", "", call)?.code == .deadlineExceeded)
    var got = await peer.client.get("slow 400", call)
    while got.batches.isEmpty, got.status?.code == .deadlineExceeded {
      call.timeout = call.timeout.map { $0 * 2 }
      got = await peer.client.get("slow 400", call)
    }
    #expect(got.status?.code == .deadlineExceeded && got.batches.count == 1)
  }

  @Test("streams and tasks that are cancelled end for the server too", .timeLimit(.minutes(10)))
  func cancels() async throws {
    let peer = try await Peer()
    let client = peer.client
    let got = await client.get(
      "endless", Self.patient,
      .init(onMessage: { number, stream in if number == 4 { stream.finish(GRPCStatus(.cancelled, "enough")) } }))
    #expect(got.status == GRPCStatus(.cancelled, "enough") && got.batches.count == 3)
    let task = Task { await client.failure("wait", "", Self.patient) }
    // The task may be cancelled before its call has begun, too; what the server saw is looked at with the stream's.
    task.cancel()
    #expect(await task.value?.code == .cancelled)
    // The connection is as good as before.
    while try await client.texts("cancelled", "", Self.patient).contains("get") == false {}
  }

  @Test("metadata of text and of bytes", .timeLimit(.minutes(10)))
  func metadata() async throws {
    let peer = try await Peer()
    var call = Self.patient
    try call.metadata.add("x-text", "some words")
    try call.metadata.add("x-raw-bin", bytes: (0...255).map { UInt8($0) })
    let got = try await peer.client.act(Action(type: "headers"), call).map(\.body)
    #expect(got == [Array("x-raw-bin=".utf8) + (0...255).map { UInt8($0) }, Array("x-text=some words".utf8)])
  }

  @Test(
    "handshakes whose token is in the head, and in a message", .timeLimit(.minutes(10)),
    arguments: ["header", "message"])
  func login(_ way: String) async throws {
    let peer = try await Peer(way)
    #expect(await peer.client.failure("echo", "", Self.patient)?.code == .unauthenticated)
    do {
      _ = try await peer.client.handshake(user: "ada", password: "wrong", Self.patient)
      Issue.record("a wrong password is taken")
    } catch {
      #expect(error.code == .unauthenticated && error.message.contains("a wrong password"))
    }
    let token = try await peer.client.handshake(user: "ada", password: "secret", Self.patient)
    #expect(token == .bearer("token-of-ada"))
    var options = FlightClientOptions()
    options.credentials = token
    let client = peer.another(options)
    #expect(try await client.texts("echo", "a", Self.patient) == ["a"])
    #expect(await client.echo([.numbers(3)], Self.patient).status == .ok)
    if way == "message" { #expect(try await client.texts("who", "", Self.patient) == ["ada"]) }
  }

  @Test(
    "a stream on which nothing happens for long is not ended by gRPC's guard against PING frames",
    .timeLimit(.minutes(10)))
  func silence() async throws {
    // What happens with PING frames every 50 ms: the server takes three, and then ends the connection.
    var options = FlightClientOptions()
    options.connection.pingAfter = .milliseconds(50)
    let peer = try await Peer(options: options)
    let got = await peer.client.get("slow 1.5", Self.patient)
    #expect(got.status == GRPCStatus(.unavailable, "Too many pings"))
    // Those of gRPC take one in five minutes.
    let usual = FlightClientOptions().connection.pingAfter
    #expect(usual.map { $0 > .seconds(300) } ?? true)
  }
}
