import Arrow
import ArrowTestSupport
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// The sink `flight`, beside pyarrow's server, and the connectors beside each other.
@Suite("Flight sink", .timeLimit(.minutes(3))) struct FlightPutTests {
  private static let numbers = [Field("n", .int64), Field("s", .utf8)]

  private static func sink(
    _ uri: String, _ path: String, _ options: [JSONValue.Member] = [], _ schema: [Field] = numbers
  ) throws -> any Sink {
    let options: [JSONValue.Member] = [.init("uri", .string(uri)), .init("path", .string(path))] + options
    return try makeSink("flight", options, schema).make(alone)
  }

  /// About 60 KB.
  private static func thousand(_ first: Int) -> RecordBatch {
    batch(numbers, (first..<(first + 1_000)).map { [.int64(Int64($0)), .utf8(String(repeating: "x", count: 50))] })
  }

  @Test(
    "rows of every type are stored as they are; a flush ends a stream, or waits for acknowledgements",
    arguments: [("plain", false), ("acknowledged", true)])
  func types(_ name: String, _ acknowledges: Bool) async throws {
    try await aside {
      var generator = SeededGenerator()
      let server = try PythonFlightServer()
      let types = RandomColumns.types + WideValues.types + WideValues.nested
      let schema = Schema(types.enumerated().map { Field("c\($0)", $1) })
      let written = [37, 1, 200].map { count in
        let columns = types.map { type in
          let values = (0..<count).map { row in row % 5 == 0 ? .null(type) : WideValues.value(type, &generator) }
          return RandomColumns.column(type, values)
        }
        return RecordBatch(schema: schema, columns: columns, length: count)
      }
      let sink = try Self.sink(server.uri, name, [.init("acknowledges", .bool(acknowledges))], schema.fields)
      try sink.open()
      var rows = 0
      for batch in written {
        try sink.write(batch)
        try sink.flush()
        rows += batch.length
        #expect(pythonAction(server.port, "rows", name) == "\(rows)")
      }
      try sink.flush()
      try sink.close(complete: true)
      #expect(pythonAction(server.port, "streams") == (acknowledges ? "1" : "3"))
      let path = server.folder.file("stored")
      #expect(pythonAction(server.port, "save", "\(name):\(path)") == "saved")
      let found = try batches(
        of: try makeSource("arrowstream", [.init("path", .string(path))], schema.fields).make(alone))
      #expect(texts(found) == texts(written), "\(generator)")
    }
  }

  @Test("a server that does not read stops the writer within its bound")
  func backpressure() async throws {
    try await aside {
      let server = try PythonFlightServer()
      let sink = Unchecked(try Self.sink(server.uri, "stuck", [.init("buffer", .int(1 << 20))]))
      try sink.value.open()
      let written = Monitor(0)
      let ended = Monitor(false)
      let rows = Self.thousand(0)
      try OSThread(name: "writer") {
        _ = message {
          for _ in 0..<1_000 {
            try sink.value.write(rows)
            written.withLock { $0 += 1 }
            written.broadcast()
          }
        }
        ended.withLock { $0 = true }
        ended.broadcast()
      }.detach()
      // 1,000 batches have 62 MB.
      #expect(written.wait(until: .now + 60_000_000_000) { $0 >= 17 ? true : nil } == true)
      #expect(written.wait(until: .now + 3_000_000_000) { $0 >= 700 ? true : nil } == nil)
      server.stop()
      #expect(ended.wait(until: .now + 60_000_000_000) { $0 ? true : nil } == true)
      try sink.value.close(complete: false)
    }
  }

  @Test("rows that a server was not sent are not stored, though it says OK", arguments: [false, true])
  func endsEarly(_ closes: Bool) async throws {
    try await aside {
      let server = try PythonFlightServer()
      let text = String(repeating: "x", count: 8 << 20)
      // More than any window, so that what is behind the first one has not left when the server has read that.
      let large = batch(Self.numbers, (0..<8).map { [.int64($0), .utf8(text)] })
      for _ in 0..<3 {
        let sink = try Self.sink(server.uri, "early", [.init("buffer", .int(1 << 30))])
        try sink.open()
        let said = message {
          for _ in 0..<3 { try sink.write(large) }
          if closes { try sink.close(complete: true) } else { try sink.flush() }
        }
        #expect(said.contains("it ended the stream before all was put"), "\(said)")
        if !closes { try sink.close(complete: false) }
      }
    }
  }

  @Test("a stop ends the waiting for room, and for a server's answer", arguments: ["stuck", "silent"])
  func stops(_ path: String) async throws {
    try await aside {
      let server = try PythonFlightServer()
      let options: [JSONValue.Member] = [.init("buffer", .int(1 << 20)), .init("timeout", 600)]
      let sink = Unchecked(try Self.sink(server.uri, path, options))
      try sink.value.open()
      let rows = Self.thousand(0)
      let said = Monitor<String?>(nil)
      let written = Monitor(0)
      try OSThread(name: "writer") {
        let text = message {
          for _ in 0..<(path == "stuck" ? 1_000 : 3) {
            try sink.value.write(rows)
            written.withLock { $0 += 1 }
            written.broadcast()
          }
          try sink.value.flush()
        }
        said.withLock { $0 = text }
        said.broadcast()
      }.detach()
      #expect(written.wait(until: .now + 60_000_000_000) { $0 >= (path == "stuck" ? 17 : 3) ? true : nil } == true)
      sink.value.stop()
      let text = try #require(said.wait(until: .now + 60_000_000_000) { $0 })
      #expect(text.hasSuffix("when the job was to stop"), "\(text)")
      try sink.value.close(complete: false)
    }
  }

  @Test("what a server refuses, one that dies, ends early, does not answer or is not there")
  func failures() async throws {
    try await aside {
      let server = try PythonFlightServer()
      func failed(_ path: String, _ options: [JSONValue.Member] = []) -> Failure? {
        failure {
          let sink = try Self.sink(server.uri, path, options)
          try sink.open()
          do {
            for index in 0..<5 { try sink.write(Self.thousand(index)) }
            try sink.flush()
          } catch {
            try sink.close(complete: false)
            throw error
          }
          try sink.close(complete: true)
        }
      }
      let place = "sink 'out' (flight): \(server.uri)"
      #expect(failed("fine") == nil)
      let refused = failed("refused")
      #expect(refused?.message.hasPrefix("\(place), DoPut to the path 'refused' answered ") == true)
      #expect(refused?.message.contains("the disk is full") == true, "\(refused?.message ?? "")")
      let silent = failed("silent", [.init("timeout", .double(0.5))])
      #expect(silent?.message == "\(place) has not ended the stream within 0.5 seconds; see its option 'timeout'")
      #expect(silent?.retryable == true)
      let unacknowledged = failed("silent", [.init("timeout", .double(0.5)), .init("acknowledges", true)])
      #expect(unacknowledged?.message.contains("has not acknowledged what was put") == true)
      let died = failed("die")
      #expect(died?.retryable == true && died?.message.contains("UNAVAILABLE") == true, "\(died?.message ?? "")")
      server.stop()
      let gone = failed("x")
      #expect(gone?.retryable == true && gone?.message.contains("refused") == true, "\(gone?.message ?? "")")
    }
  }

  @Test("a sink puts to a source that listens, and a source subscribes to a sink that serves")
  func together() async throws {
    try await aside {
      let listening = try makeSource(
        "flight-listen", [.init("address", "localhost:0"), .init("stream", "put together"), .init("clients", 1)],
        Self.numbers)
      let source = try #require(try listening.make(alone) as? FlightListenSource)
      try source.open()
      let port = try #require(source.seat).addresses[0].port
      let sink = Unchecked(
        try Self.sink(
          "grpc://localhost:\(port)", "put together", [.init("acknowledges", true), .init("buffer", .int(1_024))]))
      let said = Monitor<String?>(nil)
      try OSThread(name: "writer") {
        let text = message { try run(sink.value, (0..<50).map { Self.thousand($0 * 1_000) }) }
        said.withLock { $0 = text }
        said.broadcast()
      }.detach()
      var rows: [[String]] = []
      reading: while true {
        switch try source.read(maxRows: 700, timeout: .seconds(10)) {
        case .batch(let batch): rows += texts([batch])
        case .idle: continue
        case .end: break reading
        }
      }
      source.close()
      #expect(said.wait(until: .now + 20_000_000_000) { $0 } == "no failure")
      #expect(rows == texts((0..<50).map { Self.thousand($0 * 1_000) }))

      let serving = try makeSink(
        "flight-serve",
        [.init("address", "localhost:0"), .init("stream", "served together"), .init("subscribers", 2)], Self.numbers)
      let served = try #require(try serving.make(alone) as? FlightServeSink)
      try served.open()
      let uri = "grpc://localhost:\(try #require(served.seat).addresses[0].port)"
      let found = Monitor<[[[String]]]>([])
      for _ in 0..<2 {
        try OSThread(name: "reader") {
          let options: [JSONValue.Member] = [
            .init("uri", .string(uri)), .init("ticket", "served together"), .init("live", true),
          ]
          let read = try? batches(of: try makeSource("flight", options, Self.numbers).make(alone), maxRows: 300)
          found.withLock { $0.append(texts(read ?? [])) }
          found.broadcast()
        }.detach()
      }
      for index in 0..<50 { try served.write(Self.thousand(index * 1_000)) }
      try served.close(complete: true)
      #expect(found.wait(until: .now + 20_000_000_000) { $0.count == 2 ? $0 : nil } == [rows, rows])
    }
  }

  @Test("what it promises, and options that are wrong")
  func options() throws {
    let uri = JSONValue.Member("uri", "grpc://localhost:1")
    #expect(try makeSink("flight", [uri, .init("path", "x")], Self.numbers).guarantee.name == "at-least-once")
    #expect(message { _ = try makeSink("flight", [uri], Self.numbers) }.contains("the option 'path' is missing"))
    #expect(
      message { _ = try makeSink("flight", [uri, .init("path", "x"), .init("acknowledged", true)], Self.numbers) }
        .contains("did you mean 'acknowledges'?"))
  }
}
