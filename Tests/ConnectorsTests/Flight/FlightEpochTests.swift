import Arrow
import ArrowTestSupport
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// The sink `flight` with a spool, beside the README's server of pyarrow that keeps epochs.
@Suite("Flight sink whose server keeps epochs", .timeLimit(.minutes(5))) struct FlightEpochTests {
  private static let numbers = [Field("n", .int64), Field("s", .utf8)]

  private static func factory(_ uri: String, _ spool: String, timeout: Double = 30) throws -> SinkFactory {
    let options: [JSONValue.Member] = [
      .init("uri", .string(uri)), .init("path", "rows"), .init("spool", .string(spool)),
      .init("timeout", .double(timeout)),
    ]
    return try makeSink("flight", options, numbers)
  }

  private static func sink(
    _ server: FlightEpochServer, own: [SinkTransaction] = [], kept: [SinkTransaction] = []
  ) throws -> any TransactionalSink {
    let made = try factory(server.uri, server.folder.file("spool")).make(alone)
    let sink = try #require(made as? any TransactionalSink)
    try sink.useEpochs()
    if !kept.isEmpty { try sink.keep(kept) }
    try sink.recover(own: own, all: own)
    try sink.open()
    return sink
  }

  private static func rows(_ numbers: some Sequence<Int64>) -> RecordBatch {
    batch(Self.numbers, numbers.map { [.int64($0), .utf8("x")] })
  }

  private static func spooled(_ server: FlightEpochServer) -> [String] {
    (folderEntries(server.folder.file("spool")) ?? []).sorted()
  }

  @Test("rows of an epoch come with its commit, once however often that is tried, or when the sink recovers")
  func once() async throws {
    try await aside {
      let server = try FlightEpochServer()
      let first = try Self.sink(server)
      try first.write(Self.rows(0..<10))
      try first.flush()
      try first.write(Self.rows(10..<20))
      let one = try first.prepare(Epoch(1))
      #expect(one.count == 1 && server.stored.isEmpty)
      #expect(Self.spooled(server) == [".part-0.1.arrows.volley-epoch"])
      #expect(try first.prepare(Epoch(2)).isEmpty)
      try first.commit(one)
      #expect(server.stored == Array(0..<20) && Self.spooled(server).isEmpty)
      try first.commit(one)
      // Two at a time, of which the first was given up.
      try first.write(Self.rows(20..<25))
      let three = try first.prepare(Epoch(3))
      try first.write(Self.rows(25..<30))
      let four = try first.prepare(Epoch(4))
      try first.commit(three + four)
      #expect(server.stored == Array(0..<30))
      // The process is killed with an epoch that is complete, and one that is not.
      try first.write(Self.rows(30..<40))
      let five = try first.prepare(Epoch(5))
      try first.write(Self.rows(40..<50))
      _ = try first.prepare(Epoch(6))
      try first.write(Self.rows(50..<60))
      let second = try Self.sink(server, own: five)
      #expect(server.stored == Array(0..<40))
      #expect(!Self.spooled(server).contains { $0.hasSuffix(".volley-epoch") })
      try second.close(complete: true)
      // And once more with what is there already.
      let third = try Self.sink(server, own: five)
      #expect(server.stored == Array(0..<40))
      try first.close(complete: false)
      // Epochs that are passed over, whose rows do not come again: behind what is gone on from, which nobody had committed.
      try third.write(Self.rows(60..<65))
      let seven = try third.prepare(Epoch(7))
      try third.write(Self.rows(65..<70))
      let eight = try third.prepare(Epoch(8))
      let fourth = try Self.sink(server, own: seven, kept: eight)
      #expect(server.stored == Array(0..<40) + Array(60..<70))
      try fourth.close(complete: true)
      try third.close(complete: false)
    }
  }

  @Test(
    "a server that dies before, within or after an epoch has it once when it is back",
    arguments: ["before", "within", "after"])
  func dies(_ moment: String) async throws {
    try await aside {
      let server = try FlightEpochServer()
      let sink = try Self.sink(server)
      try sink.write(Self.rows(0..<1_000))
      let one = try sink.prepare(Epoch(1))
      server.folder.write("die \(moment)", "")
      try sink.commit(one)
      #expect(server.stored == Array(0..<1_000))
      #expect(server.starts == 2)
      try sink.close(complete: true)
    }
  }

  @Test("wherever the job and the server die, each row of a complete epoch is there once")
  func random() async throws {
    try await aside {
      var generator = SeededGenerator()
      let server = try FlightEpochServer()
      let spool = server.folder.file("spool")
      var (complete, next, epoch): ([Int64], Int64, UInt64) = ([], 0, 0)
      // Of the newest epoch.
      var manifest: [[SinkTransaction]] = []
      for life in 0..<6 {
        let parallelism = Int.random(in: 1...2, using: &generator)
        let factory = try Self.factory(server.uri, spool)
        try JobFiles([factory.files]).prepare()
        let all = manifest.flatMap { $0 }
        var own = [[SinkTransaction]](repeating: [], count: parallelism)
        for (index, part) in manifest.enumerated() { own[index % parallelism] += part }
        var sinks: [any TransactionalSink] = []
        for index in 0..<parallelism {
          let made = try factory.make(subtask(index, of: parallelism))
          let sink = try #require(made as? any TransactionalSink)
          try sink.useEpochs()
          try sink.recover(own: own[index], all: all)
          sinks.append(sink)
        }
        #expect(server.stored == complete, "life \(life), \(generator)")
        for sink in sinks { try sink.open() }
        var open: [Int64] = []
        var prepared = [[SinkTransaction]](repeating: [], count: parallelism)
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          for sink in sinks {
            let rows = Array(next..<(next + Int64.random(in: 0...50, using: &generator)))
            next += Int64(rows.count)
            open += rows
            if !rows.isEmpty { try sink.write(Self.rows(rows)) }
          }
          epoch += 1
          for (index, sink) in sinks.enumerated() { prepared[index] += try sink.prepare(Epoch(epoch)) }
          // Not complete in time: its rows are the next one's.
          if Int.random(in: 0..<4, using: &generator) == 0 { continue }
          complete += open
          open = []
          manifest = prepared
          if Int.random(in: 0..<5, using: &generator) == 0 {
            let moment = ["before", "within", "after"].randomElement(using: &generator) ?? "after"
            server.folder.write("die \(moment)", "")
          }
          // It is killed between the manifest and the commits.
          let isKilled = Int.random(in: 0..<5, using: &generator) == 0
          let count = isKilled ? Int.random(in: 0..<parallelism, using: &generator) : parallelism
          for index in 0..<count { try sinks[index].commit(prepared[index]) }
          if isKilled { break }
          prepared = [[SinkTransaction]](repeating: [], count: parallelism)
        }
      }
      let last = try Self.factory(server.uri, spool).make(alone)
      let sink = try #require(last as? any TransactionalSink)
      try sink.useEpochs()
      try sink.recover(own: manifest.flatMap { $0 }, all: manifest.flatMap { $0 })
      #expect(server.stored == complete, "\(generator)")
    }
  }

  @Test("a stream that is cut off stores nothing, and an epoch that comes twice is stored once")
  func server() async throws {
    try await aside {
      let server = try FlightEpochServer()
      let program = """
        import json, sys, pyarrow as pa, pyarrow.flight as flight
        client = flight.connect(sys.argv[1])
        def put(marker):
            schema = pa.schema([('n', pa.int64()), ('s', pa.utf8())])
            writer, _ = client.do_put(flight.FlightDescriptor.for_path('rows'), schema)
            writer.write_batch(pa.record_batch([[1, 2], ['a', 'b']], schema=schema))
            if marker: writer.write_metadata(json.dumps(marker).encode())
            try:
                writer.close()
                print('stored')
            except pa.ArrowException as error: print('cut off' if 'cut off' in str(error) else error)
        marker = {'pipeline': 'p', 'uid': 'u', 'subtask': 0, 'epoch': 3, 'rows': 2}
        for given in [None, marker | {'rows': 3}, marker, marker, marker | {'epoch': 2}, marker | {'subtask': 1}]: put(given)
        body = json.dumps({'pipeline': 'p', 'uid': 'u', 'subtask': 0})
        print(next(client.do_action(flight.Action('volley.last-epoch', body.encode()))).body.to_pybytes().decode())
        """
      let outcome = TestProcess.python(program, arguments: [server.uri])
      let said = outcome.output.split(separator: "\n")
      #expect(
        said == ["cut off", "cut off", "stored", "stored", "stored", "stored", #"{"epoch": 3}"#], "\(outcome.errors)")
      #expect(server.stored == [1, 1, 2, 2])
    }
  }

  @Test("servers that keep no epochs, that are away for too long, or that know another run; and rows that are gone")
  func failures() async throws {
    try await aside {
      let plain = try PythonFlightServer()
      func failed(_ uri: String, _ body: (any TransactionalSink) throws -> Void) throws -> Failure? {
        let made = try Self.factory(uri, plain.folder.file("spool"), timeout: 1).make(alone)
        let sink = try #require(made as? any TransactionalSink)
        try sink.useEpochs()
        return failure { try body(sink) }
      }
      let unknown = try failed(plain.uri) { try $0.open() }
      #expect(unknown?.message.contains("DoAction 'volley.last-epoch' (its option 'spool' needs it)") == true)
      plain.stop()
      let gone = try failed(plain.uri) { try $0.open() }
      #expect(gone?.retryable == true && gone?.message.contains("refused") == true, "\(gone?.message ?? "")")

      let server = try FlightEpochServer()
      let sink = try Self.sink(server)
      try sink.write(Self.rows(0..<1))
      let one = try sink.prepare(Epoch(5))
      for name in Self.spooled(server) { unlink(server.folder.file("spool/\(name)")) }
      let lost = failure { try sink.commit(one) }
      #expect(lost?.message.contains("whose rows are not there either; bring the file back") == true)
      try sink.write(Self.rows(1..<2))
      try sink.commit(try sink.prepare(Epoch(6)))
      try sink.close(complete: true)
      let other = try Self.sink(server)
      try other.write(Self.rows(2..<3))
      #expect(
        message { _ = try other.prepare(Epoch(6)) }.contains(
          "has the epoch 6 of this sink already, and this run is at 6"))
      try other.close(complete: false)
      #expect(server.stored == [1])
      #expect(
        try failed(server.uri) { try $0.recover(own: [SinkTransaction("{}")], all: []) }?.message
          == "sink 'out' (flight): the checkpoint's '{}' is nothing that this sink has written; was it another connector, or the same "
          + "without 'spool'? Give its uid to none but the same sink")
      #expect(try Self.factory(server.uri, "x").guarantee == .exactlyOnce)
    }
  }
}
