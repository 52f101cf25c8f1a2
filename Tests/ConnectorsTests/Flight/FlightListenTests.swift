import Arrow
import ArrowTestSupport
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// The source `flight-listen`, beside pyarrow's clients.
@Suite("Flight rows that clients put", .timeLimit(.minutes(3))) struct FlightListenTests {
  private static let numbers = [Field("n", .int64), Field("s", .utf8)]

  private static func source(
    _ name: String, _ options: [JSONValue.Member] = [], _ schema: [Field] = numbers
  ) throws -> FlightListenSource {
    let options: [JSONValue.Member] =
      [.init("address", "localhost:0"), .init("stream", .string(name))] + options
    return try #require(try makeSource("flight-listen", options, schema).make(alone) as? FlightListenSource)
  }

  private static func port(_ source: FlightListenSource) throws -> String {
    "\(try #require(source.seat).addresses[0].port)"
  }

  private static func python(_ program: String, _ arguments: [String]) throws -> Monitor<TestProcess.Outcome?> {
    let outcome = Monitor<TestProcess.Outcome?>(nil)
    try OSThread(name: "python") {
      let ended = TestProcess.python(program, arguments: arguments)
      outcome.withLock { $0 = ended }
      outcome.broadcast()
    }.detach()
    return outcome
  }

  /// All that comes until the end.
  private static func drained(_ source: FlightListenSource, maxRows: Int) throws -> [RecordBatch] {
    var batches: [RecordBatch] = []
    while true {
      switch try source.read(maxRows: maxRows, timeout: .seconds(10)) {
      case .batch(let batch):
        #expect(batch.length > 0 && batch.length <= maxRows && batch.selection == nil)
        batches.append(batch)
      case .idle: continue
      case .end: return batches
      }
    }
  }

  @Test("rows of every type come as they were put, each message is acknowledged, and it ends after its clients")
  func types() async throws {
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
      let path = folder.file("rows")
      try run(try makeSink("arrowstream", [.init("path", .string(path))], schema.fields).make(alone), written)
      let source = try Self.source("types", [.init("clients", 1)], schema.fields)
      try source.open()
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        path = flight.FlightDescriptor.for_path('types')
        batches = pa.ipc.open_stream(sys.argv[2])
        assert client.get_schema(path).schema == batches.schema
        writer, reader = client.do_put(path, batches.schema)
        count = 0
        for batch in batches:
            writer.write_with_metadata(batch, b'batch %d' % count)
            assert reader.read().to_pybytes() == b'batch %d' % count
            count += 1
        writer.write_metadata(b'alone')
        assert reader.read().to_pybytes() == b'alone'
        writer.done_writing()
        assert reader.read() is None
        writer.close()
        print(count)
        """, [try Self.port(source), path])
      let found = try Self.drained(source, maxRows: 30)
      source.close()
      let outcome = try #require(peer.wait { $0 })
      #expect(outcome.output == "3\n", "\(outcome.errors)")
      #expect(texts(found) == texts(written), "\(generator)")
    }
  }

  @Test("many clients put at a time, and the action 'end' ends it behind them")
  func clients() async throws {
    try await aside {
      let source = try Self.source("clients")
      try source.open()
      let peer = try Self.python(
        """
        import sys, threading, pyarrow as pa, pyarrow.flight as flight
        schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
        def put(first):
            with flight.connect('grpc://localhost:' + sys.argv[1]) as client:
                writer, _ = client.do_put(flight.FlightDescriptor.for_path('clients'), schema)
                for n in range(first, first + 1000, 100):
                    writer.write_batch(pa.record_batch([pa.array(range(n, n + 100)), pa.array(['x'] * 100)], schema=schema))
                writer.close()
        threads = [threading.Thread(target=put, args=(n * 1000,)) for n in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        assert [a.type for a in client.list_actions()] == ['end']
        list(client.do_action(flight.Action('end', b'clients')))
        """, [try Self.port(source)])
      let found = try Self.drained(source, maxRows: 1_000)
      source.close()
      let outcome = try #require(peer.wait { $0 })
      #expect(outcome.status == 0, "\(outcome.errors)")
      let numbers = found.flatMap { batch in (0..<batch.length).map { "\(batch.columns[0].literal(at: $0))" } }
      #expect(Set(numbers).count == 8_000 && numbers.count == 8_000)
    }
  }

  @Test("a client with another schema or path is told, and others go on")
  func wrong() async throws {
    try await aside {
      let source = try Self.source("wrong", [.init("clients", 1)])
      try source.open()
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        def put(path, schema, columns):
            writer, reader = client.do_put(flight.FlightDescriptor.for_path(path), schema)
            try:
                writer.write_batch(pa.record_batch(columns, schema=schema))
                writer.done_writing()
                while reader.read() is not None: pass
                writer.close()
                print('OK')
            except (KeyError, pa.ArrowException) as error: print(str(error).split('. ')[0].split('\\n')[0])
        put('nowhere', pa.schema([('n', pa.int64())]), [[1]])
        put('wrong', pa.schema([('n', pa.int32()), ('s', pa.utf8())]), [pa.array([1], pa.int32()), ['x']])
        put('wrong', pa.schema([('n', pa.int64())]), [[1]])
        put('wrong', pa.schema([('s', pa.utf8()), ('n', pa.int64())]), [['x'], [7]])
        """, [try Self.port(source)])
      let found = try Self.drained(source, maxRows: 1_000)
      source.close()
      let outcome = try #require(peer.wait { $0 })
      let lines = outcome.output.split(separator: "\n").map { String($0) }
      try #require(lines.count == 4, "\(outcome)")
      #expect(lines[0].contains("there is no stream 'nowhere' here"))
      #expect(lines[1].contains("the stream 'wrong': what is put: the column 'n' is int32, and the schema says int64"))
      #expect(lines[2].contains("the stream 'wrong': what is put: has no column 's', it has 'n'"))
      #expect(lines[3] == "OK")
      #expect(texts(found).map { $0.count } == [2] && found.count == 1)
    }
  }

  @Test("a source that does not read stops the client within its bound")
  func backpressure() async throws {
    try await aside {
      let folder = TemporaryFolder()
      let source = try Self.source("full", [.init("clients", 1), .init("buffer", .int(1 << 20))])
      try source.open()
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        writer, _ = client.do_put(flight.FlightDescriptor.for_path('full'), schema)
        batch = pa.record_batch([pa.array(range(1000)), pa.array(['x' * 50] * 1000)], schema=schema)
        with open(sys.argv[2] + '/count', 'wb', buffering=0) as file:
            for _ in range(1000):
                writer.write_batch(batch)
                file.write(b'.')
        writer.close()
        """, [try Self.port(source), folder.path])
      func count() -> Int { TestProcess.contents(of: folder.file("count"))?.count ?? 0 }
      // 1,000 batches have 62 MB.
      #expect(source.intake.waitForBytes(1 << 20, until: .now + 60_000_000_000) >= 1 << 20)
      // Python's process starts, runs and ends once more meanwhile.
      #expect(TestProcess.python("import pyarrow.flight").status == 0)
      #expect(source.intake.waitForBytes(0, until: .now) < 4 << 20)
      #expect(count() < 500, "\(count())")
      let rows = try Self.drained(source, maxRows: 65_536).reduce(0) { $0 + $1.length }
      source.close()
      #expect(peer.wait { $0 }?.status == 0)
      #expect(rows == 1_000_000)
    }
  }

  @Test("with epochs a message is acknowledged when a complete epoch has all of it, and OK comes behind the last")
  func epochs() async throws {
    try await aside {
      let source = try Self.source("epochs", [.init("clients", 1)])
      source.useEpochs()
      try source.open()
      let folder = TemporaryFolder()
      let said = folder.file("said")
      #expect(mkfifo(said, 0o600) == 0)
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
        writer, reader = client.do_put(flight.FlightDescriptor.for_path('epochs'), schema)
        for n in range(4):
            batch = pa.record_batch([pa.array(range(n * 10, n * 10 + 10)), pa.array(['x'] * 10)], schema=schema)
            writer.write_with_metadata(batch, b'%d' % n)
        writer.done_writing()
        with open(sys.argv[2], 'w', buffering=1) as said:
            while (answer := reader.read()) is not None: said.write(answer.to_pybytes().decode() + '\\n')
            writer.close()
            said.write('OK\\n')
        """, [try Self.port(source), said])
      // Not opened before the client has sent all: whoever waits for an answer would wait for ever.
      func next(_ maxRows: Int) throws -> Int {
        while true {
          switch try source.read(maxRows: maxRows, timeout: .seconds(10)) {
          case .batch(let batch): return batch.length
          case .idle: continue
          case .end: return 0
          }
        }
      }
      #expect(try next(10) == 10 && next(7) == 7)
      let answers = try #require(fopen(said, "r"))
      defer { fclose(answers) }
      func answer() -> String {
        var line = [CChar](repeating: 0, count: 100)
        guard fgets(&line, 100, answers) != nil else { return "end" }
        return String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      // The second message was given in part.
      source.reach(Epoch(3))
      #expect(try next(7) == 3)
      source.committed(Epoch(3))
      #expect(answer() == "0\n")
      #expect(source.waitingAnswers == 0)
      #expect(try next(10) == 10)
      // It was given up: the next one has its rows.
      source.reach(Epoch(4))
      #expect(source.waitingAnswers == 2)
      #expect(try next(10) == 10)
      source.reach(Epoch(5))
      source.committed(Epoch(3))
      #expect(source.waitingAnswers == 3)
      source.committed(Epoch(5))
      #expect([answer(), answer(), answer()] == ["1\n", "2\n", "3\n"])
      // Its client has sent all, and waits for OK.
      while source.waitingAnswers == 0 { #expect(try source.read(maxRows: 10, timeout: .milliseconds(200)).isIdle) }
      #expect(source.waitingAnswers == 1)
      source.reach(Epoch(6))
      source.committed(Epoch(6))
      #expect(answer() == "OK\n" && answer() == "end")
      #expect(try next(10) == 0)
      source.close()
      #expect(peer.wait { $0 }?.status == 0)
    }
  }

  @Test("a client whose messages no epoch has is told that they are not stored")
  func unacknowledged() async throws {
    try await aside {
      let source = try Self.source("lost")
      source.useEpochs()
      try source.open()
      let peer = try Self.python(
        """
        import sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect('grpc://localhost:' + sys.argv[1])
        schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
        writer, reader = client.do_put(flight.FlightDescriptor.for_path('lost'), schema)
        writer.write_batch(pa.record_batch([[1], ['x']], schema=schema))
        writer.done_writing()
        try:
            print(reader.read())
            writer.close()
        except pa.ArrowException as error: print(type(error).__name__)
        """, [try Self.port(source)])
      var rows = 0
      while rows == 0 {
        if case .batch(let batch) = try source.read(maxRows: 10, timeout: .seconds(10)) { rows = batch.length }
      }
      source.close()
      let outcome = try #require(peer.wait { $0 })
      #expect(outcome.output == "None\nFlightCancelledError\n", "\(outcome.errors)")
    }
  }

  @Test("a stop ends the waiting, and clients are told")
  func stops() async throws {
    try await aside {
      let source = try Self.source("stops")
      try source.open()
      try OSThread(name: "stop") { [source = Unchecked(source)] in source.value.stop() }.detach()
      #expect(try Self.drained(source, maxRows: 10).isEmpty)
      source.close()
      let factory = try makeSource("flight-listen", [.init("stream", "x")], Self.numbers)
      #expect(factory.guarantee.name == "at-least-once" && factory.maximumParallelism == 1)
    }
  }
}

extension FlightListenSource {
  /// Answers that an epoch is waited for with.
  fileprivate var waitingAnswers: Int { waiting?.count ?? 0 }
}

extension ReadOutcome {
  fileprivate var isIdle: Bool {
    if case .idle = self { return true }
    return false
  }
}
