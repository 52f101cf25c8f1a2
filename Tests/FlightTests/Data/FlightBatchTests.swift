import Arrow
import ArrowTestSupport
import Base
import Glibc
import Networking
import TestSupport
import Testing
import VolleyPlan

@testable import Flight

@Suite("Batches that are sent and received by Flight")
struct FlightBatchTests {
  @Test("are the same for every type, number of rows, slice and share of nulls", arguments: RandomColumns.types)
  func everyType(_ type: DataType) throws {
    var generator = SeededGenerator()
    let schema = Schema([Field("x", type)])
    for length in [0, 1, 2, 8, 9, 65, 200] {
      for offset in [0, 1, 8] {
        for nulls in [0, 1, 3] {
          let batch = FlightBatches.random(schema, length, nulls: nulls, offset: offset, &generator)
          let bytes = try FlightBatches.bytes(schema, [batch, batch])
          let received = try FlightBatches.read(bytes, upTo: 1000, &generator)
          #expect(received.batches == [batch, batch], "\(type) \(length) \(offset) \(nulls) \(generator)")
          #expect(received.schema?.fields == schema.fields && received.metadata == ["0", "1"])
        }
      }
    }
  }

  @Test("are the same however the bytes are cut, down to one at a time")
  func pieces() throws {
    var generator = SeededGenerator()
    let batches = [5, 0, 70, 1].map { FlightBatches.random($0, nulls: 3, offset: 3, &generator) }
    let bytes = try FlightBatches.bytes(FlightBatches.schema, batches, descriptor: .path("p"))
    for size in [1, 2, 7, 100, 16_384, bytes.count] {
      let received = try FlightBatches.read(bytes, upTo: size, &generator)
      #expect(received.batches == batches && received.descriptor == .path("p"), "pieces of \(size) \(generator)")
      #expect(received.metadata == ["0", "1", "2", "3"])
    }
  }

  @Test("are views of the body that came, and what is sent is a view of the batch")
  func zeroCopy() throws {
    var generator = SeededGenerator()
    let batch = FlightBatches.random(2000, nulls: 3, &generator)
    let bytes = try FlightBatches.bytes(FlightBatches.schema, [batch])
    let received = try FlightBatches.read(bytes, upTo: 16_384, &generator)
    let body = received.bodies[0]
    var buffers = 0
    func check(_ column: Column, _ field: String) {
      for buffer in column.buffers + (column.validity.map { [$0] } ?? []) where buffer.byteCount > 0 {
        #expect(
          buffer.address >= body.address && buffer.address + buffer.byteCount <= body.address + body.count, "\(field)")
        buffers += 1
      }
      // The values of a dictionary are of the dictionary's message.
      if case .dictionary = column.type { return }
      for child in column.children { check(child, field) }
    }
    for (column, field) in zip(received.batches[0].columns, batch.schema.fields) where field.type != .null {
      check(column, "\(field)")
    }
    #expect(buffers > 90)
    // Sending.
    let plain = RecordBatch(
      schema: Schema([Field("x", .int64)]),
      columns: [RandomColumns.column(.int64, RandomColumns.values(.int64, 10_000, nulls: 0, &generator))],
      length: 10_000)
    var queue = OutputQueue()
    var writer = FlightBatchWriter()
    try writer.begin(IPCSchema(plain.schema.fields), to: &queue)
    try writer.write(plain, to: &queue)
    let values = plain.columns[0].buffers[0].address
    var isReferenced = false
    queue.write { vectors in
      isReferenced = vectors.contains { $0.iov_base.map { UnsafeRawPointer($0) } == values && $0.iov_len == 80_000 }
      return 0
    }
    #expect(isReferenced)
  }

  @Test("have their dictionaries told when they are new, have grown or have changed")
  func dictionaries() throws {
    var generator = SeededGenerator()
    let type = DataType.dictionary(index: .int8, value: .utf8, ordered: false)
    let schema = Schema([Field("d", type)])
    func batch(_ words: [String], _ indices: [Int8]) -> RecordBatch {
      let values = RandomColumns.column(.utf8, words.map { .utf8($0) })
      let rows = RandomColumns.column(.int8, indices.map { .integer(Int128($0), .int8) })
      let column = Column(type: type, length: rows.length, validity: nil, buffers: rows.buffers, children: [values])
      return RecordBatch(schema: schema, columns: [column], length: rows.length)
    }
    let batches = [
      batch(["a", "b"], [0, 1]), batch(["a", "b"], [1]), batch(["a", "b", "c"], [2, 0]), batch(["x"], [0, 0]),
      batch(["x"], [0]),
    ]
    let bytes = try FlightBatches.bytes(schema, batches)
    var decoder = FlightDataDecoder()
    var reader = FlightBatchReader()
    var kinds = ""
    var read: [RecordBatch] = []
    try bytes.inPieces(upTo: bytes.count, &generator) { rest in
      guard let data = try decoder.next(&rest) else { return }
      switch try reader.take(data) {
      case .schema: kinds += "s"
      case .batch(let batch, _):
        kinds += "b"
        read.append(batch)
      case .appMetadata: kinds += "m"
      case nil: kinds += "d"
      }
    }
    #expect(kinds == "sdbbdbdbb")
    #expect(read == batches)
  }

  @Test("have the descriptor with the first message, whichever that is, and metadata alone anywhere")
  func descriptors() throws {
    var generator = SeededGenerator()
    let schema = Schema([Field("x", .int32)])
    let batch = FlightBatches.random(schema, 3, nulls: 0, &generator)
    var queue = OutputQueue()
    var writer = FlightBatchWriter(descriptor: .command([1]))
    try writer.write(appMetadata: Array("early".utf8), to: &queue)
    #expect(writer.schema == nil)
    try writer.begin(IPCSchema(schema.fields), to: &queue)
    #expect(writer.schema?.fields == schema.fields)
    try writer.write(appMetadata: Array("between".utf8), to: &queue)
    try writer.write(batch, to: &queue)
    try writer.write(appMetadata: Array("late".utf8), to: &queue)
    let bytes = queue.takeAll()
    let received = try FlightBatches.read(bytes, upTo: 10, &generator)
    #expect(received.descriptor == .command([1]) && received.batches == [batch])
    #expect(received.metadata == ["early", "between", "", "late"])
    // The descriptor is told once.
    var alone = FlightBatchWriter(descriptor: .path("x"))
    try alone.write(appMetadata: [], to: &queue)
    try alone.write(appMetadata: [], to: &queue)
    #expect(queue.takeAll() == [0, 0, 0, 0, 7, 0x0A, 5, 0x08, 1, 0x1A, 1, 0x78, 0, 0, 0, 0, 0])
  }

  @Test("that have no form are refused before anything is written, and others follow")
  func refusals() throws {
    var queue = OutputQueue()
    var writer = FlightBatchWriter(descriptor: .path("x"))
    #expect(throws: Failure.self) {
      try writer.begin(IPCSchema([Field("d", .dictionary(of: .dictionary(of: .utf8)))]), to: &queue)
    }
    #expect(queue.byteCount == 0)
    try writer.begin(IPCSchema([Field("x", .int32)]), to: &queue)
    var generator = SeededGenerator()
    #expect(try FlightBatches.read(queue.takeAll(), upTo: 100, &generator).descriptor == .path("x"))
  }

  @Test("are refused when they come before the schema, after a second one, or without their body")
  func order() throws {
    var generator = SeededGenerator()
    let schema = Schema([Field("x", .int32)])
    let bytes = try FlightBatches.bytes(schema, [FlightBatches.random(schema, 3, nulls: 0, &generator)])
    var decoder = FlightDataDecoder()
    var messages: [FlightData] = []
    try bytes.inPieces(upTo: 100, &generator) { rest in
      if let data = try decoder.next(&rest) { messages.append(data) }
    }
    func message(_ sent: [FlightData]) -> String {
      var reader = FlightBatchReader()
      do throws(Failure) {
        for data in sent { _ = try reader.take(data) }
        return "it was read"
      } catch {
        return error.message
      }
    }
    #expect(message(messages) == "it was read")
    #expect(message([messages[1]]) == "the Arrow stream begins with a batch message, where the schema is expected")
    #expect(message([messages[0], messages[0]]).contains("a second schema"))
    var bodiless = messages[1]
    bodiless.body = .empty
    #expect(message([messages[0], bodiless]) == "an Arrow message says to have a body of 64 bytes, and came with 0")
    // What follows the body that the header tells of does not matter.
    var longer = messages[1]
    longer.body = SharedBytes(copying: UnsafeRawBufferPointer(start: longer.body.address, count: longer.body.count))
    #expect(message([messages[0], longer]) == "it was read")
  }

  @Test("pyarrow reads what is sent, of every type")
  func sending() throws {
    var generator = SeededGenerator()
    for (length, nulls, offset) in [(0, 0, 0), (1, 1, 0), (9, 3, 5), (200, 4, 13), (1000, 2, 1)] {
      let folder = TemporaryFolder()
      let batch = FlightBatches.random(length, nulls: nulls, offset: offset, &generator)
      let frames = folder.write(
        "frames", try FlightBatches.bytes(FlightBatches.schema, [batch, batch], descriptor: .path("a", "b")))
      let told = try ProtobufPeer.ask(["unframe \(frames) \(folder.file("stream"))"])
      #expect(told == [#"[[["a","b"],""],[[],"0"],[[],"1"]]"#])
      let read = try PyArrow.exchange(
        [],
        """
        first, second = list(pa.ipc.open_stream('\(folder.file("stream"))'))
        first.validate(full=True)
        assert first.equals(second)
        return second
        """)
      #expect(read == batch, "\(generator)")
    }
  }

  @Test("What pyarrow sends is received, of every type")
  func receiving() throws {
    var generator = SeededGenerator()
    for (length, nulls, offset) in [(0, 0, 0), (1, 1, 0), (9, 3, 5), (200, 4, 13), (1000, 2, 1)] {
      let folder = TemporaryFolder()
      let batch = FlightBatches.random(length, nulls: nulls, offset: offset, &generator)
      _ = try PyArrow.exchange(
        [batch],
        """
        with pa.ipc.new_stream('\(folder.file("stream"))', batches[0].schema) as writer:
            writer.write_batch(batches[0])
            writer.write_batch(batches[0].slice(\(length / 3)))
        return batches[0]
        """)
      _ = try ProtobufPeer.ask(["frame \(folder.file("stream")) \(folder.file("frames"))"])
      let frames = try #require(folder.read("frames"))
      let received = try FlightBatches.read(frames, upTo: 500, &generator)
      #expect(received.batches == [batch, batch.slice((length / 3)..<length)], "\(generator)")
      // The peer numbers all messages, the dictionaries' too; the first one is the schema's.
      #expect(received.metadata.count > 2 && received.metadata == received.metadata.indices.map { "\($0 + 1)" })
    }
  }

  @Test("The client of pyarrow.flight reads what is sent, and sends what is read, of every type")
  func client() throws {
    var generator = SeededGenerator()
    for (length, nulls, offset) in [(0, 0, 0), (1, 1, 0), (200, 4, 13)] {
      let folder = TemporaryFolder()
      let first = FlightBatches.random(length, nulls: nulls, offset: offset, &generator)
      let batches = [first, FlightBatches.random(length, nulls: nulls, &generator), first]
      let frames = folder.write("frames", try FlightBatches.bytes(FlightBatches.schema, batches))
      let told = try ProtobufPeer.ask([
        "get \(frames) \(folder.file("got"))", "put \(folder.file("got")) \(folder.file("sent"))",
      ])
      #expect(told == [#"["0","1","2"]"#, "stored"])
      for (index, batch) in batches.enumerated() {
        let read = try PyArrow.exchange(
          [],
          """
          batch = list(pa.ipc.open_stream('\(folder.file("got"))'))[\(index)]
          batch.validate(full=True)
          return batch
          """)
        #expect(read == batch, "batch \(index) \(generator)")
      }
      let received = try FlightBatches.read(try #require(folder.read("sent")), upTo: 700, &generator)
      #expect(received.batches == batches, "\(generator)")
      #expect(received.descriptor == .path("p", "q") && received.metadata == ["0", "1", "2", "last"])
    }
  }

  @Test("A batch of 64 MB passes, beside the client of pyarrow.flight")
  func large() throws {
    var generator = SeededGenerator()
    let schema = Schema([Field("a", .int64), Field("b", .int64)])
    let columns = (0..<2).map { _ in
      let buffer = Buffer(byteCount: 32 << 20)
      arc4random_buf(buffer.unsafeMutableAddress, 32 << 20)
      return Column(type: .int64, length: 4 << 20, validity: nil, buffers: [buffer])
    }
    let batch = RecordBatch(schema: schema, columns: columns, length: 4 << 20)
    let folder = TemporaryFolder()
    let frames = folder.write("frames", try FlightBatches.bytes(schema, [batch]))
    let told = try ProtobufPeer.ask([
      "get \(frames) \(folder.file("got"))", "put \(folder.file("got")) \(folder.file("sent"))",
    ])
    #expect(told == [#"["0"]"#, "stored"])
    let received = try FlightBatches.read(try #require(folder.read("sent")), upTo: 100_000, &generator)
    let read = try #require(received.batches.first)
    #expect(received.batches.count == 1 && read.length == batch.length)
    // Row by row it would take longer than all of the rest.
    for (column, sent) in zip(read.columns, batch.columns) {
      #expect(memcmp(column.buffers[0].address, sent.buffers[0].address, 32 << 20) == 0)
    }
  }
}
