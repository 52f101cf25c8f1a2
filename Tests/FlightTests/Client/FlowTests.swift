import Arrow
import Base
import Flight
import Networking
import TestSupport
import Testing
import VolleyPlan

@Suite("Flow and ends of Flight's streams")
struct FlowTests {
  /// Sends batches without end, as there is room, and counts their bytes.
  private final class Pourer: FlightService {
    let sent = Monitor(0)
    static let rows = 1_024

    func get(_ ticket: Ticket, _ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler { Handler(sent) }

    private final class Handler: FlightStreamHandler {
      private let sent: Monitor<Int>
      private var writer = FlightBatchWriter()
      private let batch = RecordBatch.numbers(Pourer.rows)

      init(_ sent: Monitor<Int>) { self.sent = sent }

      override func began(on stream: FlightStream) {
        try? stream.send { queue in try writer.begin(IPCSchema(batch.schema.fields), to: &queue) }
        hasRoom(on: stream)
      }

      override func hasRoom(on stream: FlightStream) {
        while stream.hasRoom {
          try? stream.send { queue in try writer.write(batch, to: &queue) }
          sent.withLock { $0 += Pourer.rows * 32 }
        }
      }
    }
  }

  @Test("a reader that stops stops its sender, while another stream goes on", .timeLimit(.minutes(10)))
  func slowReader() async throws {
    let slowService = Pourer()
    let server = try LocalServer(slowService)
    let loop = try ClientLoop()
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    let paused = Monitor<FlightStream?>(nil)
    let received = Monitor(0)
    let slow = Task {
      await client.get(
        "slow", FlightCallOptions(),
        .init(onMessage: { number, stream in
          received.withLock { $0 = number }
          if number == 2 {
            stream.pause()
            paused.withLock { $0 = stream }
          }
        }))
    }
    try await eventually { paused.withLock { $0 != nil } }
    let before = slowService.sent.withLock { $0 }
    // 64 MB on the other stream, whose handler counts for the same service.
    let other = await client.get(
      "other", FlightCallOptions(),
      .init(onMessage: { number, stream in if number == 2_001 { stream.finish(GRPCStatus(.cancelled)) } }))
    #expect(other.batches.count == 2_000)
    let held = received.withLock { $0 } * Pourer.rows * 32
    // The stream's window, and the message that has begun.
    let window = FlightClientOptions().connection.session.streamWindow
    #expect(held <= window + 2 * Pourer.rows * 32, "\(held) bytes came to the reader that had stopped")
    // Both senders: what the other was taken, and for each the window, what its stream and the connection hold, a message.
    let options = FlightServerOptions().connection
    let bound = window + options.session.streamOutputMark + options.outputMark + 2 * Pourer.rows * 33
    let sent = slowService.sent.withLock { $0 }
    #expect(sent <= 2_000 * Pourer.rows * 32 + 2 * bound, "\(sent) bytes were sent, \(before) before")
    // It goes on where it was.
    let stream = try #require(paused.withLock { $0 })
    stream.execute { stream.resume() }
    try await eventually { received.withLock { $0 } > 500 }
    stream.execute { stream.finish(GRPCStatus(.cancelled)) }
    let outcome = await slow.value
    #expect(outcome.status?.code == .cancelled && outcome.batches.count >= 500)
  }

  @Test("calls at random with ends at random end once each, and leave nothing", .timeLimit(.minutes(10)))
  func random() async throws {
    var generator = SeededGenerator()
    let live = LiveCount()
    let loop = try ClientLoop()
    weak var leftService: EchoService?
    do {
      let service = EchoService()
      leftService = service
      let batch = RecordBatch.numbers(1_000)
      service.store("endless", .init(schema: IPCSchema(batch.schema.fields), batches: [batch]))
      service.store("few", .init(schema: IPCSchema(batch.schema.fields), batches: [batch, batch]))
      let server = try LocalServer(service)
      let client = FlightClient(to: server.endpoint, on: loop.loop)
      let seed = "\(generator)"
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<4_000 {
          if index >= 64 { try await group.next() }
          let kind = Int.random(in: 0..<11, using: &generator)
          let number = Int.random(in: 1...6, using: &generator)
          group.addTask { await Self.call(client, kind, number, live, seed) }
        }
        try await group.waitForAll()
      }
      #expect(live.value == 0, "handlers of clients live on \(seed)")
      #expect(server.server.connectionCount == 1)
      // Each stream's handler is told its end once; streams that ended before the server knew of them have none.
      try await eventually { service.endings.withLock { $0.count } >= service.begun.withLock { $0 } }
      client.close()
      try await eventually { server.server.connectionCount == 0 }
      #expect(service.endings.withLock { $0.count } == service.begun.withLock { $0 }, "\(seed)")
      await server.stop()
    }
    // Tasks of actions may live a little longer than their calls.
    try await eventually { leftService == nil }
  }

  private static func call(_ client: FlightClient, _ kind: Int, _ number: Int, _ live: LiveCount, _ seed: String) async
  {
    let short = FlightCallOptions(timeout: .milliseconds(number * 3))
    let cancels: @Sendable (Int, FlightStream) -> Void = { count, stream in
      if count == number { stream.finish(GRPCStatus(.cancelled)) }
    }
    switch kind {
    case 0:
      let status = await client.failure("echo", String(repeating: "x", count: number))
      #expect(status == nil, "\(seed)")
    case 1: #expect(await client.failure("fail", "5")?.code == .notFound, "\(seed)")
    case 2: #expect(await client.failure("wait", "", short)?.code == .deadlineExceeded, "\(seed)")
    case 3:
      let task = Task { await client.failure("wait") }
      for _ in 0..<number * 10 { await Task.yield() }
      task.cancel()
      #expect(await task.value?.code == .cancelled, "\(seed)")
    case 4:
      let outcome = await client.get("endless", FlightCallOptions(), .init(onMessage: cancels, live: live))
      #expect(outcome.status?.code == .cancelled && outcome.batches.count == number - 1, "\(seed)")
    case 5:
      let outcome = await client.get("endless", short, .init(live: live))
      #expect(outcome.status?.code == .deadlineExceeded, "\(seed)")
    case 6:
      #expect(await client.get("none", FlightCallOptions(), .init(live: live)).status?.code == .notFound, "\(seed)")
    case 7:
      let outcome = await client.get("few", FlightCallOptions(), .init(live: live))
      #expect(outcome.status == .ok && outcome.batches.count == 2, "\(seed)")
    case 8:
      let batches = [RecordBatch](repeating: .numbers(100), count: number)
      let outcome = await client.put("put", batches, FlightCallOptions(), .init(live: live))
      #expect(outcome.status == .ok && outcome.results.count == number, "\(seed)")
    case 9:
      let batches = [RecordBatch](repeating: .numbers(100), count: number)
      let outcome = await client.echo(batches, FlightCallOptions(), .init(live: live))
      #expect(outcome.status == .ok && outcome.batches.count == number, "\(seed)")
    default:
      // Given up before anything is sent.
      let plan = StreamClient.Plan(onBegin: { $0.finish(GRPCStatus(.aborted)) }, live: live)
      #expect(await client.echo([.numbers(1)], FlightCallOptions(), plan).status?.code == .aborted, "\(seed)")
    }
  }

  /// In a process of its own, as the memory of one that runs other tests at the same time says nothing.
  @Test("10,000 idle streams on a connection take less than 100 MB, on both sides together", .timeLimit(.minutes(10)))
  func idleStreams() async throws {
    await #expect(processExitsWith: .success) {
      let service = EchoService()
      let server = try LocalServer(service)
      let loop = try ClientLoop()
      let client = FlightClient(to: server.endpoint, on: loop.loop)
      #expect(await client.echo([.numbers(8_192)]).status == .ok)
      let before = ProcessMemory.residentBytes
      let closed = Monitor(0)
      for _ in 0..<10_000 {
        client.exchange { _ in
          StreamClient(.init(), sends: false) { _ in closed.withLock { $0 += 1 } }
        }
      }
      try await eventually { service.begun.withLock { $0 } == 10_001 }
      // The server's heads have come too, so that both sides are at rest.
      _ = try await client.health()
      let growth = ProcessMemory.residentBytes - before
      print("10,000 idle streams: \(growth / 1_000) kB")
      #expect(growth < ProcessMemory.bound(100_000_000), "\(growth)")
      #expect(server.server.connectionCount == 1 && closed.withLock { $0 } == 0)
    }
  }
}
