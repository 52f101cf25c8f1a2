import Arrow
import ArrowTestSupport
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// The source `flight`, beside pyarrow's server.
@Suite("Flight source", .timeLimit(.minutes(3))) struct FlightSourceTests {
  private static let numbers = [Field("n", .int64), Field("s", .utf8)]

  private static func source(
    _ uri: String, _ options: [JSONValue.Member], _ schema: [Field] = numbers
  ) throws -> SourceFactory {
    try makeSource("flight", [.init("uri", .string(uri))] + options, schema)
  }

  private static func ticket(_ text: String) -> JSONValue.Member { .init("ticket", .string(text)) }

  /// Rows of every type, in a file that the server serves.
  private static func file(
    _ server: PythonFlightServer, _ schema: Schema, _ batches: [RecordBatch]
  ) throws -> String {
    let path = server.folder.file("rows")
    try run(try makeSink("arrowstream", [.init("path", .string(path))], schema.fields).make(alone), batches)
    return path
  }

  @Test("a column of every type comes as it is, in batches of any size, some of the columns in another order")
  func types() async throws {
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
      let path = try Self.file(server, schema, written)
      for maxRows in [7, 1_000] {
        let source = try Self.source(server.uri, [Self.ticket("file:\(path)")], schema.fields).make(alone)
        #expect(texts(try batches(of: source, maxRows: maxRows)) == texts(written), "\(generator)")
      }
      let part = [schema.fields[3], schema.fields[0]]
      let source = try Self.source(server.uri, [Self.ticket("file:\(path)")], part).make(alone)
      #expect(texts(try batches(of: source)) == texts(written).map { [$0[3], $0[0]] })
    }
  }

  @Test(
    "a flight of several endpoints is shared out, and goes on behind what was given at any parallelism",
    arguments: ["file", "fresh"])
  func resumes(_ kind: String) async throws {
    try await aside {
      var generator = SeededGenerator()
      let server = try PythonFlightServer()
      let written = (0..<40).map { _ in randomBatch(&generator, rows: .random(in: 1...50, using: &generator)) }
      let path = try Self.file(server, Schema(everyType), written)
      let expected = canonical(written).split(separator: "\n").map { String($0) }.sorted()
      for options in [
        [JSONValue.Member("path", .array([.string(kind), .string(path), "5"]))],
        [JSONValue.Member("command", .string("\(kind) \(path) 3"))], [Self.ticket("file:\(path)")],
      ] {
        let isTicket = options[0].name == "ticket"
        var source = KilledSource { try Self.source(server.uri, options, everyType) }
        for _ in 0..<4 {
          let parallelism = isTicket ? 1 : Int.random(in: 1...3, using: &generator)
          try source.run(&generator, parallelism: parallelism, reads: 30, maxRows: 1...40)
        }
        try source.run(&generator, parallelism: isTicket ? 1 : 2, reads: nil, maxRows: 1...40)
        #expect(source.rows == expected, "\(kind) \(options[0].name) \(generator)")
        // Each epoch alone.
        for (before, after) in zip(source.epochs, source.epochs.dropFirst())
        where before.parallelism == after.parallelism {
          var found: [RecordBatch] = []
          for index in 0..<after.parallelism {
            let factory = try Self.source(server.uri, options, everyType)
            let bounded = try #require(try factory.make(subtask(index, of: after.parallelism)) as? any BoundedSource)
            try bounded.resume(at: before.positions)
            try bounded.end(at: after.positions)
            found += try batches(of: bounded, maxRows: 20)
          }
          let expected = canonical(Array(source.kept[before.kept..<after.kept])).split(separator: "\n").sorted()
          #expect(canonical(found).split(separator: "\n").sorted() == expected, "\(generator)")
        }
      }
    }
  }

  @Test("what was given and is not there any more, and other endpoints, are refused")
  func changed() async throws {
    try await aside {
      var generator = SeededGenerator()
      let server = try PythonFlightServer()
      let path = try Self.file(server, Schema(everyType), [randomBatch(&generator, rows: 10)])
      func resumed(_ position: String, _ options: [JSONValue.Member]) throws -> String {
        let made = try Self.source(server.uri, options, everyType).make(alone)
        let source = try #require(made as? any ReplayableSource)
        return message {
          try source.resume(at: [SplitPosition(split: "0", position: position)])
          _ = try batches(of: source)
        }
      }
      let ticket = "file:\(path)"
      let base64 = encoded(ticket)
      #expect(
        try resumed("{\"ticket\":\"\(base64)\",\"rows\":11}", [Self.ticket(ticket)]).contains(
          " gives 10 rows, and the checkpoint goes on behind 11; "))
      #expect(
        try resumed("{\"ticket\":\"AAAA\",\"rows\":1}", [Self.ticket(ticket)]).contains(
          " has 1 endpoints, which are not the 1 that the checkpoint goes on with; "))
      #expect(
        try resumed(
          "{\"ticket\":\"AAAA\",\"rows\":1}", [.init("path", .array(["file", .string(path), "2"]))]
        ).contains(" has 2 endpoints, which are not the 1 that "))
      #expect(
        try resumed("{}", [Self.ticket(ticket)]).contains("is none of a flight's endpoint; begin the source anew"))
    }
  }

  @Test("the columns are found: in what the server says, and in the stream's first message")
  func inference() async throws {
    try await aside {
      var generator = SeededGenerator()
      let server = try PythonFlightServer()
      let path = try Self.file(server, Schema(everyType), [randomBatch(&generator, rows: 10)])
      func found(_ options: [JSONValue.Member]) throws -> [Field]? {
        let options = [JSONValue.Member("uri", .string(server.uri))] + options
        let connector = Plan.Connector(name: "flight", options: .object(options))
        return try BuiltinConnectors.inferSchema(connector, uid: "orders")
      }
      #expect(try found([Self.ticket("file:\(path)")]) == everyType)
      #expect(try found([Self.ticket("silent")]) == Self.numbers)
      #expect(try found([.init("path", .array(["file", .string(path), "2"]))]) == everyType)
      #expect(message { _ = try found([Self.ticket("none")]) }.contains("DoGet of the ticket 'none' answered "))
    }
  }

  @Test("a reader that does not read stops the server within its bound, and goes on when it reads")
  func backpressure() async throws {
    try await aside {
      let server = try PythonFlightServer()
      let made = try Self.source(server.uri, [Self.ticket("endless"), .init("buffer", .int(1 << 20))]).make(alone)
      let source = try #require(made as? FlightSource)
      try source.open()
      func count() -> Int { Int(pythonAction(server.port, "count")) ?? -1 }
      func read(_ batches: Int) throws {
        var left = batches
        while left > 0 { if case .batch = try source.read(maxRows: 1_000, timeout: .seconds(10)) { left -= 1 } }
      }
      try read(1)
      #expect(source.intake.waitForBytes(1 << 20, until: .now + 60_000_000_000) >= 1 << 20)
      // A batch has 62 KB. Without a bound the server gives thousands while two processes of Python ask it.
      _ = count()
      let asked = count()
      #expect(asked > 10 && asked < 700, "\(asked)")
      #expect(source.intake.waitForBytes(0, until: .now) < 4 << 20)
      try read(asked + 50)
      #expect(count() > asked + 40)
      source.stop()
      source.close()
    }
  }

  @Test("the rows of a live flight are not given again, and say so")
  func live() throws {
    let factory = try Self.source("grpc://localhost:1", [Self.ticket("x"), .init("live", true)])
    #expect(factory.guarantee.name == "at-most-once" && factory.maximumParallelism == 1)
    #expect(!(try factory.make(alone) is any ReplayableSource))
    #expect(try Self.source("grpc://localhost:1", [Self.ticket("x")]).guarantee == .exactlyOnce)
  }

  @Test("a stop ends the waiting for rows, for an answer and for a connection")
  func stops() async throws {
    try await aside {
      let server = try PythonFlightServer()
      let source = try Self.source(server.uri, [Self.ticket("silent")]).make(alone)
      try source.open()
      guard case .idle = try source.read(maxRows: 10, timeout: .milliseconds(50)) else {
        return #expect(Bool(false), "nothing comes of a silent flight")
      }
      try OSThread(name: "stop") { [source = Unchecked(source)] in source.value.stop() }.detach()
      guard case .end = try source.read(maxRows: 10, timeout: .seconds(100)) else {
        return #expect(Bool(false), "a stopped source ends")
      }
      try source.close()
      // A listener that accepts and never says a word.
      let silent = try SilentListener()
      let other = try Self.source("grpc://localhost:\(silent.port)", [.init("path", "x")]).make(alone)
      try OSThread(name: "stop") { [other = Unchecked(other)] in
        silent.waitForClient()
        other.value.stop()
      }.detach()
      try other.open()
      guard case .end = try other.read(maxRows: 10, timeout: .seconds(100)) else {
        return #expect(Bool(false), "a stopped source ends")
      }
      try other.close()
    }
  }

  @Test("a server that dies, one that is not there, and what it refuses")
  func failures() async throws {
    try await aside {
      let server = try PythonFlightServer()
      func failed(_ text: String, _ schema: [Field] = Self.numbers) -> Failure? {
        failure { _ = try batches(of: try Self.source(server.uri, [Self.ticket(text)], schema).make(alone)) }
      }
      #expect(failed("error")?.message.contains("it cannot") == true)
      let place = "source 'orders' (flight): "
      #expect(failed("none")?.message.hasPrefix("\(place)\(server.uri), DoGet of the ticket 'none' answered ") == true)
      #expect(
        failed("endless", [Field("n", .int32)])?.message
          == "\(place)DoGet of the ticket 'endless': the column 'n' is int64, and the schema says int32; correct the schema"
      )
      #expect(failed("endless", [Field("m", .int64)])?.message.contains("has no column 'm', it has 'n', 's'") == true)
      let died = failed("die")
      #expect(died?.retryable == true && died?.message.contains("UNAVAILABLE") == true, "\(died?.message ?? "")")
      server.stop()
      // Now nobody listens there.
      let refused = failed("endless")
      #expect(refused?.retryable == true && refused?.message.contains("refused") == true, "\(refused?.message ?? "")")
    }
  }

  @Test("who calls is told by token, or by name and password")
  func logins() async throws {
    try await aside {
      let server = try PythonFlightServer(token: "T0ken")
      var generator = SeededGenerator()
      let path = try Self.file(server, Schema(everyType), [randomBatch(&generator, rows: 10)])
      func failed(_ login: [(String, String)]) -> String {
        message {
          let options = [Self.ticket("file:\(path)")] + login.map { .init($0.0, .string($0.1)) }
          _ = try batches(of: try Self.source(server.uri, options, everyType).make(alone))
        }
      }
      #expect(failed([("token", "T0ken")]) == "no failure")
      #expect(failed([("user", "ada"), ("password", "secret")]) == "no failure")
      #expect(failed([("token", "other")]).contains("UNAUTHENTICATED: wrong token"))
      #expect(failed([]).contains("UNAUTHENTICATED"))
      #expect(
        failed([("user", "ada"), ("password", "guessed")]).contains("Handshake of the user 'ada' answered UNAUTH"))
    }
  }

  @Test("options that say nothing, too much or something wrong are refused when the plan is made")
  func options() {
    func refusal(_ uri: String, _ options: [JSONValue.Member]) -> String {
      message { _ = try Self.source(uri, options) }.replacing("source 'orders' (flight): ", with: "")
    }
    let uri = "grpc://localhost:1"
    #expect(refusal("http://x:1", []).hasPrefix("option 'uri': 'http://x:1' is no location of a Flight server"))
    #expect(refusal("grpc+tls://x:1", []).hasPrefix("none of the options 'ticket', "))
    #expect(refusal("grpc://x", []).hasPrefix("option 'uri': 'x' is not an address"))
    #expect(refusal("grpc://:5", []).contains("names no host and port"))
    #expect(refusal(uri, []).hasPrefix("none of the options 'ticket', "))
    #expect(refusal(uri, [Self.ticket("x"), .init("command", "y")]).hasPrefix("2 of the options 'ticket', "))
    #expect(refusal(uri, [.init("ticketBase64", "?")]).hasPrefix("option 'ticketBase64' is none of Base64"))
    #expect(refusal(uri, [Self.ticket("x"), .init("tokn", "y")]).contains("did you mean 'token'?"))
    #expect(refusal(uri, [Self.ticket("x"), .init("user", "y")]).contains("belong together"))
    #expect(refusal(uri, [Self.ticket("x"), .init("token", "y z")]).contains("not printable ASCII without spaces"))
  }
}
