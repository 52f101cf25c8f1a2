import Arrow
import ArrowTestSupport
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// The sink `flight-serve`, beside pyarrow's clients.
@Suite("Flight stream that clients subscribe to", .timeLimit(.minutes(3))) struct FlightServeTests {
  private static let numbers = [Field("n", .int64), Field("s", .utf8)]

  /// Each test's streams have names of their own, as all tests share a server.
  private static func sink(
    _ name: String, _ options: [JSONValue.Member] = [], _ schema: [Field] = numbers
  ) throws -> FlightServeSink {
    let options: [JSONValue.Member] =
      [.init("address", "localhost:0"), .init("stream", .string(name))] + options
    return try #require(try makeSink("flight-serve", options, schema).make(alone) as? FlightServeSink)
  }

  private static func port(_ sink: FlightServeSink) throws -> String {
    "\(try #require(sink.seat).addresses[0].port)"
  }

  /// About 60 KB.
  private static func thousand(_ first: Int) -> RecordBatch {
    batch(numbers, (first..<(first + 1_000)).map { [.int64(Int64($0)), .utf8(String(repeating: "x", count: 50))] })
  }

  /// A Python program beside the test, until it ends.
  private static func python(_ program: String, _ arguments: [String]) throws -> Monitor<TestProcess.Outcome?> {
    let outcome = Monitor<TestProcess.Outcome?>(nil)
    try OSThread(name: "python") {
      let ended = TestProcess.python(program, arguments: arguments)
      outcome.withLock { $0 = ended }
      outcome.broadcast()
    }.detach()
    return outcome
  }

  private static let subscriber = """
    import sys, pyarrow as pa, pyarrow.flight as flight
    client = flight.connect('grpc://localhost:' + sys.argv[1])
    reader = client.do_get(flight.Ticket(sys.argv[2].encode()))
    with pa.ipc.new_stream(sys.argv[3], reader.schema) as writer:
        for chunk in reader: writer.write_batch(chunk.data)
    """

  @Test("every subscriber gets the rows from when he came, of every type, and OK at the end")
  func rows() async throws {
    try await aside {
      var generator = SeededGenerator()
      let types = RandomColumns.types + WideValues.types + WideValues.nested
      let schema = Schema(types.enumerated().map { Field("c\($0)", $1) })
      let written = [37, 1, 200].map { count in
        let columns = types.map { type in
          let values = (0..<count).map { row in row % 5 == 0 ? .null(type) : WideValues.value(type, &generator) }
          return RandomColumns.column(type, values)
        }
        return RecordBatch(schema: schema, columns: columns, length: count)
      }
      let folder = TemporaryFolder()
      let sink = try Self.sink("rows", [.init("subscribers", 2), .init("timeout", 60)], schema.fields)
      try sink.open()
      let port = try Self.port(sink)
      let first = try (0..<2).map { try Self.python(Self.subscriber, [port, "rows", folder.file("\($0)")]) }
      try sink.write(written[0])
      try sink.write(written[1])
      let late = try Self.python(Self.subscriber, [port, "rows", folder.file("2")])
      #expect(sink.outlet.waitForSubscribers(3, until: .now + 60_000_000_000))
      try sink.write(written[2])
      try sink.flush()
      try sink.close(complete: true)
      for (index, outcome) in (first + [late]).enumerated() {
        let peer = try #require(outcome.wait { $0 })
        #expect(peer.status == 0, "\(peer.errors)")
        let found = try batches(
          of: try makeSource("arrowstream", [.init("path", .string(folder.file("\(index)")))], schema.fields).make(
            alone))
        #expect(texts(found) == texts(index < 2 ? written : [written[2]]), "\(generator)")
      }
    }
  }

  @Test("a stop ends the waiting for subscribers")
  func stops() async throws {
    try await aside {
      let sink = Unchecked(try Self.sink("stopped", [.init("subscribers", 1)]))
      try sink.value.open()
      let rows = Self.thousand(0)
      let said = Monitor<String?>(nil)
      try OSThread(name: "writer") {
        let text = message { try sink.value.write(rows) }
        said.withLock { $0 = text }
        said.broadcast()
      }.detach()
      sink.value.stop()
      let text = try #require(said.wait(until: .now + 60_000_000_000) { $0 })
      #expect(text.contains("0 of 1 subscribers have come when the job was to stop"), "\(text)")
      try sink.value.close(complete: false)
    }
  }

  @Test("a subscriber who does not read holds the writer, within the bound, for as long as 'timeout' says")
  func waits() async throws {
    try await aside {
      let folder = TemporaryFolder()
      #expect(mkfifo(folder.file("go"), 0o600) == 0)
      let sink = try Self.sink(
        "waits", [.init("subscribers", 1), .init("buffer", .int(1 << 20)), .init("timeout", 60)])
      try sink.open()
      let peer = try Self.python(
        """
        import sys, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        reader = client.do_get(flight.Ticket(b'waits'))
        first = reader.read_chunk()
        open(sys.argv[2] + '/go').read()
        rows = 1000 + sum(chunk.data.num_rows for chunk in reader)
        print(rows, end='')
        """, [try Self.port(sink), folder.path])
      // A writer of its own, so that the test sees it stand still.
      let written = Monitor(0)
      let total = 1_500
      let rows = Self.thousand(0)
      let ended = Monitor<String?>(nil)
      let shared = Unchecked(sink)
      try OSThread(name: "writer") {
        let text = message {
          for _ in 0..<total {
            try shared.value.write(rows)
            written.withLock { $0 += 1 }
            written.broadcast()
          }
          try shared.value.close(complete: true)
        }
        ended.withLock { $0 = text }
        ended.broadcast()
      }.detach()
      // 1,500 batches have 93 MB. It stands when what waits is at the bound and stays there.
      #expect(written.wait(until: .now + 60_000_000_000) { $0 >= 20 ? true : nil } == true)
      let stands = written.wait(until: .now + 3_000_000_000) { $0 == total ? true : nil }
      #expect(stands == nil && sink.outlet.waitingBytes <= 1 << 20 && sink.outlet.waitingBytes > 1 << 19)
      let descriptor = open(folder.file("go"), O_WRONLY)
      close(descriptor)
      #expect(ended.wait(until: .now + 60_000_000_000) { $0 } == "no failure")
      let outcome = try #require(peer.wait { $0 })
      #expect(outcome.output == "\(total * 1_000)", "\(outcome.errors)")
    }
  }

  @Test("nobody who comes, and one who never reads, fail the job after 'timeout', which may be tried again")
  func timeouts() async throws {
    try await aside {
      let sink = try Self.sink("nobody", [.init("subscribers", 1), .init("timeout", .double(0.05))])
      try sink.open()
      let failure = failure { try sink.write(Self.thousand(0)) }
      #expect(failure?.retryable == true)
      #expect(
        failure?.message
          == "sink 'out' (flight-serve): 0 of 1 subscribers have come within 0.05 seconds (its option 'timeout') at localhost:0"
      )
      try sink.close(complete: false)
    }
  }

  @Test("with 'slow' as 'drop' a subscriber who is behind is ended, and told why")
  func drops() async throws {
    try await aside {
      let folder = TemporaryFolder()
      #expect(mkfifo(folder.file("go"), 0o600) == 0)
      let sink = try Self.sink(
        "drops",
        [
          .init("subscribers", 1), .init("buffer", .int(1 << 18)), .init("slow", "drop"), .init("timeout", 60),
        ])
      try sink.open()
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        reader = client.do_get(flight.Ticket(b'drops'))
        reader.read_chunk()
        open(sys.argv[2] + '/go').read()
        try:
            while True: reader.read_chunk()
        except pa.ArrowException as error: print(error, end='')
        """, [try Self.port(sink), folder.path])
      var count = 0
      let rows = Self.thousand(0)
      repeat {
        try sink.write(rows)
        count += 1
      } while sink.outlet.subscriberCount > 0 && count < 10_000
      #expect(count < 10_000)
      close(open(folder.file("go"), O_WRONLY))
      let outcome = try #require(peer.wait { $0 })
      #expect(outcome.output.contains("is more than 262144 bytes behind"), "\(outcome)")
      try sink.close(complete: true)
    }
  }

  @Test("streams are listed and described, subscribers who leave are forgotten, and a job that fails tells them")
  func describes() async throws {
    try await aside {
      let sink = try Self.sink("described", [.init("subscribers", 1), .init("timeout", 60)])
      try sink.open()
      let port = try Self.port(sink)
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        path = flight.FlightDescriptor.for_path('described')
        schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
        assert [i.descriptor.path for i in client.list_flights(b'descr')] == [[b'described']]
        info = client.get_flight_info(path)
        assert info.schema == schema and info.total_records == -1, info
        assert client.get_schema(path).schema == schema
        try: client.do_get(flight.Ticket(b'nothing')).read_all()
        except (KeyError, pa.ArrowException) as error: assert "there is no stream 'nothing' here" in str(error), error
        else: raise AssertionError('a stream that there is not')
        reader = client.do_get(info.endpoints[0].ticket)
        reader.read_chunk()
        reader.cancel()
        reader = client.do_get(info.endpoints[0].ticket)
        try:
            reader.read_all()
        except pa.ArrowException as error: print(error, end='')
        """, [port])
      try sink.write(Self.thousand(0))
      // The first one has left and come again, or both are there.
      #expect(sink.outlet.waitForSubscribers(1, until: .now + 60_000_000_000))
      while !sink.outlet.hasHad(2) {
        try sink.write(Self.thousand(0))
        _ = sink.outlet.waitForSubscribers(2, until: .now + 10_000_000)
      }
      try sink.close(complete: false)
      let outcome = try #require(peer.wait { $0 })
      #expect(outcome.output.contains("the job that gives the stream 'described' has failed"), "\(outcome)")
    }
  }

  @Test("two streams share a server, whose token callers show; a name is taken once, and an address too")
  func shares() async throws {
    try await aside {
      let token: [JSONValue.Member] = [.init("token", "T0ken"), .init("address", "127.0.0.1:0")]
      func make(_ name: String, _ options: [JSONValue.Member]) throws -> FlightServeSink {
        let made = try makeSink("flight-serve", [.init("stream", .string(name))] + options, Self.numbers).make(alone)
        return try #require(made as? FlightServeSink)
      }
      let (one, two) = (try make("one", token), try make("two", token))
      try one.open()
      try two.open()
      #expect(try Self.port(one) == Self.port(two))
      let place = "sink 'out' (flight-serve): another connector "
      #expect(message { try make("one", token).open() }.hasPrefix("\(place)serves a stream 'one' at 127.0.0.1:0"))
      #expect(
        message { try make("x", [.init("address", "127.0.0.1:0")]).open() }.hasPrefix(
          "\(place)listens at 127.0.0.1:0 with another 'token'"))
      let port = try Self.port(one)
      let taken = message { try make("x", [.init("address", .string("127.0.0.1:\(port)"))]).open() }
      #expect(taken.hasPrefix("sink 'out' (flight-serve): ") && taken.contains("127.0.0.1:\(port)"), "\(taken)")
      let peer = TestProcess.python(
        """
        import sys, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        options = flight.FlightCallOptions(headers=[(b'authorization', b'Bearer T0ken')])
        print([i.descriptor.path[0].decode() for i in client.list_flights(options=options)])
        for headers in [[], [(b'authorization', b'Bearer other')]]:
            try: list(client.list_flights(options=flight.FlightCallOptions(headers=headers)))
            except flight.FlightUnauthenticatedError: print('refused')
        """, arguments: [port])
      #expect(peer.output == "['one', 'two']\nrefused\nrefused\n", "\(peer.errors)")
      try one.close(complete: true)
      try two.close(complete: true)
      // The port is free again.
      let again = try make("again", [.init("address", .string("127.0.0.1:\(port)"))])
      try again.open()
      try again.close(complete: true)
    }
  }

  @Test("what it promises, and options that are wrong")
  func options() throws {
    let factory = try makeSink("flight-serve", [.init("stream", "x")], Self.numbers)
    #expect(factory.guarantee.name == "at-most-once" && factory.maximumParallelism == 1)
    func refusal(_ options: [JSONValue.Member]) -> String {
      message { _ = try makeSink("flight-serve", options, Self.numbers) }
    }
    #expect(refusal([]).contains("the option 'stream' is missing"))
    #expect(refusal([.init("stream", "x"), .init("slow", "wiat")]).contains("did you mean 'wait'?"))
    #expect(
      refusal([.init("stream", "x"), .init("address", "nowhere")]).contains(
        "option 'address': 'nowhere' is not an address"))
  }
}
