import Arrow
import Base
import Dataflow
import Flight
import Networking
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// What clients are told that put rows, and do not listen.
@Suite("Flight answers that nobody reads", .timeLimit(.minutes(3))) struct FlightAnswerTests {
  /// Puts messages with a megabyte of metadata each, and reads no answer until it is told to.
  private final class Deaf: FlightStreamHandler {
    static let messages = 64
    static let byteCount = 1 << 20
    private let answers: Monitor<Int>
    private let status: Monitor<GRPCStatus?>
    private var writer = FlightBatchWriter(descriptor: .path("deaf"))
    private var left = messages

    init(_ answers: Monitor<Int>, _ status: Monitor<GRPCStatus?>) {
      self.answers = answers
      self.status = status
    }

    override func began(on stream: FlightStream) {
      stream.pause()
      hasRoom(on: stream)
    }

    override func hasRoom(on stream: FlightStream) {
      while stream.hasRoom, left > 0 {
        left -= 1
        let metadata = [UInt8](repeating: UInt8(left), count: Self.byteCount)
        try? stream.send { queue in try writer.write(appMetadata: metadata, to: &queue) }
        if left == 0 { stream.finish() }
      }
    }

    override func received(_ result: PutResult, on stream: FlightStream) {
      if result.appMetadata.count == Self.byteCount { answers.withLock { $0 += 1 } }
      answers.broadcast()
    }

    override func closed(_ status: GRPCStatus, on stream: FlightStream) {
      self.status.withLock { $0 = status }
      self.status.broadcast()
    }
  }

  @Test("a client that does not read its answers is not read on, and gets all of them when it does")
  func unread() async throws {
    try await aside {
      let options: [JSONValue.Member] = [
        .init("address", "127.0.0.9:0"), .init("stream", "deaf"), .init("buffer", .int(64 << 20)),
      ]
      let made = try makeSource("flight-listen", options, [Field("n", .int64)]).make(alone)
      let source = try #require(made as? FlightListenSource)
      try source.open()
      defer { source.close() }
      let intake = source.intake
      let port = try #require(source.seat).addresses[0].port
      let loop = try EventLoop(name: "client")
      defer { loop.stop() }
      let client = FlightClient(to: Endpoint(host: "127.0.0.9", port: port), on: loop)
      let answers = Monitor(0)
      let status = Monitor<GRPCStatus?>(nil)
      let begun = Monitor<FlightStream?>(nil)
      client.put { stream in
        begun.withLock { $0 = stream }
        return Deaf(answers, status)
      }
      var taken = 0
      /// Takes a message and answers it, as the source does.
      func takeOne() throws -> IncomingFlight {
        guard case .entry(let entry) = intake.take(until: .now + 60_000_000_000) else {
          throw Failure(.io, "nothing came after \(taken) messages")
        }
        if case .data(let data) = entry.event {
          taken += 1
          FlightAnswer(flight: entry.flight, metadata: data.appMetadata).say()
        } else if case .sentAll = entry.event {
          FlightAnswer(flight: entry.flight, metadata: nil).say()
        }
        return entry.flight
      }
      func isHeld(_ flight: IncomingFlight) throws -> Bool {
        let held = Monitor<Bool?>(nil)
        flight.stream.execute {
          held.withLock { $0 = flight.holds.contains(.answers) }
          held.broadcast()
        }
        guard let isHeld = held.wait(until: .now + 60_000_000_000, for: { $0 }) else {
          throw Failure(.io, "the loop does not answer")
        }
        return isHeld
      }
      while try !isHeld(try takeOne()) { try #require(taken < Deaf.messages, "it is read on") }
      #expect(taken >= 16 && taken < 40, "\(taken)")
      let stream = try #require(begun.withLock { $0 })
      stream.execute { stream.resume() }
      while taken < Deaf.messages { _ = try takeOne() }
      _ = try takeOne()
      #expect(answers.wait(until: .now + 60_000_000_000) { $0 == Deaf.messages ? true : nil } == true)
      #expect(status.wait(until: .now + 60_000_000_000) { $0 } == .ok)
    }
  }
}
