import Base
import TestSupport
import Testing

@testable import Networking

/// Random lives of many streams on one connection, beside a model of what must arrive.
@Suite("HTTP/2 lives")
struct HTTP2LivesTests {
  /// One direction of a stream: what was sent, what of it was consumed, and how it ends.
  private final class Way {
    var sent: [UInt8] = []
    var hasEnded = false
    var trailers: HTTPFields?
  }

  private final class Life {
    let stream: HTTP2Stream
    let recorder: StreamRecorder
    let way = Way()
    var wasReset = false
    var hasHead: Bool

    init(_ stream: HTTP2Stream, _ recorder: StreamRecorder, hasHead: Bool) {
      self.stream = stream
      self.recorder = recorder
      self.hasHead = hasHead
      recorder.consumesAtOnce = false
    }
  }

  private struct Model {
    var random: SeededGenerator
    var clients: [Life] = []
    var servers: [Life] = []

    mutating func act(_ life: Life, _ bytes: [UInt8]) {
      guard life.stream.isOpen else { return }
      switch Int.random(in: 0..<20, using: &random) {
      case 0 where !life.way.hasEnded && life.hasHead:
        life.way.hasEnded = true
        if Bool.random(using: &random) { life.way.trailers = ["end": "\(life.way.sent.count)"] }
        life.stream.end(trailers: life.way.trailers)
      case 1 where Int.random(in: 0..<8, using: &random) == 0:
        life.wasReset = true
        life.stream.reset(.cancel)
      case 2..<10:
        life.stream.consume(Int.random(in: 0...life.stream.unconsumed, using: &random))
      case 10 where !life.hasHead:
        life.hasHead = true
        life.stream.send(head: .response(status: 200))
      default:
        guard life.hasHead, !life.way.hasEnded, life.stream.hasRoom else { return }
        let count = [1, 9, 500, 511, 512, 5_000, 40_000, 200_000].randomElement(using: &random)!
        let start = Int.random(in: 0...(bytes.count - count), using: &random)
        life.way.sent += bytes[start..<(start + count)]
        life.stream.send(Array(bytes[start..<(start + count)]))
      }
    }
  }

  @Test("What is sent is what comes, stream by stream, within windows, whatever is consumed, reset, held and cut")
  func lives() throws {
    let seeds = SeededGenerator()
    for round in 0..<8 {
      let seed = seeds.seed &+ UInt64(round)
      var model = Model(random: SeededGenerator(seed: seed))
      var options = HTTP2Options()
      options.streamWindow = [1_000, 65_535, 300_000].randomElement(using: &model.random)!
      options.connectionWindow = [65_535, 1 << 20].randomElement(using: &model.random)!
      options.maxConcurrentStreams = [3, 1_000].randomElement(using: &model.random)!
      options.maxFrameSize = [16_384, 100_000].randomElement(using: &model.random)!
      options.flood[.reset] = HTTP2FloodGuard.Rate(burst: 100_000, perSecond: 0)
      let pair = TestPair(client: options, server: options)
      // Who has not seen the other's SETTINGS goes by the protocol's own window (RFC 9113, 6.9.2).
      let haveMet = Bool.random(using: &model.random)
      if haveMet { pair.exchange() }
      let bound = haveMet ? options.streamWindow : max(options.streamWindow, 65_535)
      var accepted: [(HTTP2Stream, StreamRecorder)] = []
      pair.server.makeRecorder = { stream, _ in
        let recorder = StreamRecorder()
        accepted.append((stream, recorder))
        return recorder
      }
      let bytes = (0..<400_000).map { _ in UInt8.random(in: 0...255, using: &model.random) }
      for _ in 0..<1_500 {
        if model.clients.count < 40, Int.random(in: 0..<20, using: &model.random) == 0 {
          let (stream, recorder) = try pair.open(
            .request(method: "POST", path: "/\(model.clients.count)", authority: "v"))
          model.clients.append(Life(stream, recorder, hasHead: true))
        }
        let all = model.clients + model.servers
        if let life = all.randomElement(using: &model.random) { model.act(life, bytes) }
        if Int.random(in: 0..<4, using: &model.random) == 0 {
          let limit = [0, 1_000, 100_000, Int.max].randomElement(using: &model.random)!
          let (from, to) = Bool.random(using: &model.random) ? (pair.client, pair.server) : (pair.server, pair.client)
          let count = [1, 100, 20_000, Int.max].randomElement(using: &model.random)!
          let part = from.take(atMost: limit)
          pair.carry(part, to: to) { min($0, max(count, $0 / 200)) }
          for (stream, recorder) in accepted { model.servers.append(Life(stream, recorder, hasHead: false)) }
          accepted = []
        }
        for life in model.clients + model.servers {
          #expect(life.stream.unconsumed <= bound, "VOLLEY_TEST_SEED=\(seed)")
        }
      }
      // In the end everything is consumed, answered and ended.
      for turn in 0..<10_000 {
        pair.exchange()
        for (stream, recorder) in accepted { model.servers.append(Life(stream, recorder, hasHead: false)) }
        accepted = []
        var isOpen = false
        for life in model.clients + model.servers where life.stream.isOpen {
          isOpen = true
          if !life.hasHead { life.stream.send(head: .response(status: 200)) }
          life.hasHead = true
          if !life.way.hasEnded { life.stream.end() }
          life.way.hasEnded = true
          life.stream.consume(life.stream.unconsumed)
        }
        if !isOpen { break }
        #expect(turn < 9_999, "streams end, VOLLEY_TEST_SEED=\(seed)")
      }
      Self.check(model, seed)
      for peer in [pair.client, pair.server] {
        #expect(peer.session.streamCount == 0 && peer.session.outputByteCount == 0 && !peer.session.isEnded)
      }
    }
  }

  private static func check(_ model: Model, _ seed: UInt64) {
    let comment: Comment = "VOLLEY_TEST_SEED=\(seed)"
    var finished = 0
    let servers = Dictionary(uniqueKeysWithValues: model.servers.map { ($0.stream.id, $0) })
    for client in model.clients {
      #expect(client.recorder.end != nil, comment)
      guard let server = servers[client.stream.id] else {
        #expect(client.wasReset, comment)
        continue
      }
      #expect(server.recorder.end != nil && server.recorder.head?.method == "POST", comment)
      for (from, to) in [(client, server), (server, client)] {
        let received = to.recorder.data
        if client.wasReset || server.wasReset {
          #expect(received == Array(from.way.sent.prefix(received.count)), comment)
        } else {
          #expect(received == from.way.sent && to.recorder.hasEnded && to.recorder.end == .finished, comment)
          #expect(to.recorder.trailers == from.way.trailers, comment)
          finished += 1
        }
      }
    }
    #expect(finished > 0, comment)
  }
}
