import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@Suite("Dictionaries in Arrow IPC")
struct IPCDictionaryTests {
  private static let type = DataType.dictionary(index: .int8, value: .utf8, ordered: true)
  private static let schema = Schema([Field("d", type)])

  private static func strings(_ values: [String]) -> Column {
    let builder = ColumnBuilder(.utf8)
    for value in values { builder.append(.utf8(value)) }
    return builder.finish()
  }

  private static func batch(_ values: Column, _ indices: [Int8?]) -> RecordBatch {
    let builder = ColumnBuilder(.int8)
    for index in indices { builder.append(index.map { .integer(Int128($0), .int8) } ?? .null(.int8)) }
    let rows = builder.finish()
    let column = Column(
      type: type, length: rows.length, validity: rows.validity, buffers: rows.buffers, children: [values])
    return RecordBatch(schema: schema, columns: [column], length: rows.length)
  }

  /// How many bytes the stream grows by with each batch.
  private static func growth(_ batches: [RecordBatch]) throws(Failure) -> [Int] {
    var output = IPCBytes()
    var writer = try IPCStreamWriter(IPCSchema(schema.fields), to: &output)
    var growth: [Int] = []
    for batch in batches {
      let before = writer.byteCount
      try writer.write(batch, to: &output)
      growth.append(writer.byteCount - before)
    }
    try writer.finish(to: &output)
    #expect(output.bytes.count == writer.byteCount)
    #expect(try IPCBatches.read(IPCBatches.shared(output.bytes)) == batches)
    return growth
  }

  @Test("are written once while they stay the same, by identity or by value")
  func once() throws {
    let values = Self.strings((0..<100).map { "a value of some length, number \($0)" })
    let copy = Self.strings((0..<100).map { "a value of some length, number \($0)" })
    let growth = try Self.growth([values, values, copy, values].map { Self.batch($0, [1, nil, 99]) })
    #expect(growth[0] > 3000)
    #expect(growth[1] < 500 && growth[1] == growth[2] && growth[2] == growth[3])
  }

  @Test("are written as what was added when they grow, and anew when they change")
  func growing() throws {
    let texts = (0..<100).map { "a value of some length, number \($0)" }
    let whole = Self.strings(texts)
    let grown = try Self.growth(
      [whole.slice(0..<0), whole.slice(0..<90), whole, whole.slice(5..<100)].map {
        Self.batch($0, $0.length == 0 ? [nil] : [0, nil, 89])
      })
    #expect(grown[1] > 2700)
    #expect(grown[2] > 500 && grown[2] < 1500)
    #expect(grown[3] > 2700)
    // One that shrinks to its beginning is another one too: the rows do not say so.
    let shrunk = try Self.growth([whole, whole.slice(0..<50)].map { Self.batch($0, [0, 3]) })
    #expect(shrunk[1] < 500)
    let moved = try Self.growth([whole, whole.slice(1..<51)].map { Self.batch($0, [0, 3]) })
    #expect(moved[1] > 1500)
  }

  @Test("may grow in a file, but not change, and a refused batch leaves the file good")
  func files() throws {
    let whole = Self.strings((0..<100).map { "\($0)" })
    var output = IPCBytes()
    var writer = try IPCFileWriter(IPCSchema(Self.schema.fields), to: &output)
    let batches = [Self.batch(whole.slice(0..<10), [9, 0]), Self.batch(whole, [99, nil])]
    for batch in batches { try writer.write(batch, to: &output) }
    let size = output.bytes.count
    let failure = try #require(throws: Failure.self) {
      try writer.write(Self.batch(Self.strings(["other"]), [0]), to: &output)
    }
    #expect(
      failure.message
        == "the dictionary of column 'd' has other values than in the batches before, and an Arrow file holds each dictionary "
        + "once; cast the column to utf8, or write a stream")
    #expect(output.bytes.count == size)
    try writer.write(batches[1], to: &output)
    try writer.finish(to: &output)
    #expect(try IPCBatches.read(IPCBatches.shared(output.bytes)) == batches + [batches[1]])
  }

  @Test("that hold the first of the known values only are those, in files too")
  func prefixes() throws {
    let whole = Self.strings((0..<100).map { "\($0)" })
    let batches = [
      Self.batch(whole, [99, nil]), Self.batch(Self.strings([]), [nil, nil]), RecordBatch.empty(Self.schema),
      Self.batch(Self.strings(["0", "1"]), [1, 0]), Self.batch(whole, [98]),
    ]
    let growth = try Self.growth(batches)
    #expect(growth[1...].allSatisfy { $0 < 500 })
    #expect(try IPCBatches.read(IPCBatches.shared(IPCBatches.file(IPCSchema(Self.schema.fields), batches))) == batches)
  }

  @Test("are bounded together, whether they grow or are told anew")
  func bound() throws {
    let whole = Self.strings((0..<1000).map { "a value of some length, number \($0)" })
    let other = Self.strings((0..<1000).map { "another value of that length, number \($0)" })
    let size = whole.byteCount
    func read(_ batches: [RecordBatch], _ bytes: Int) throws(Failure) -> Int {
      var options = IPCReadOptions()
      options.dictionaryBytes = bytes
      return try IPCBatches.read(
        IPCBatches.shared(IPCBatches.stream(IPCSchema(Self.schema.fields), batches)), options: options
      )
      .count
    }
    let grown = (1...10).map { Self.batch(whole.slice(0..<($0 * 100)), [0]) }
    #expect(try read(grown, 2 * size) == 10)
    let failure = try #require(throws: Failure.self) { _ = try read(grown, size / 2) }
    #expect(failure.message.hasPrefix("the dictionary of 'd' and those before it take more than the \(size / 2) bytes"))
    // What was replaced does not count.
    let replaced = (0..<10).map { Self.batch($0 % 2 == 0 ? whole : other, [0]) }
    #expect(try read(replaced, 2 * size) == 10)
  }

  @Test("that come in very many parts take time in proportion", .timeLimit(.minutes(10)))
  func manyParts() throws {
    let count = 60_000
    var stream = IPCBytes()
    var writer = try IPCStreamWriter(IPCSchema(Self.wide.fields), to: &stream)
    let values = Self.strings(["a", "b"])
    func batch(_ values: Column) -> RecordBatch {
      let rows = RandomColumns.column(.int32, [.null(.int32)])
      let column = Column(
        type: Self.wide.fields[0].type, length: 1, validity: rows.validity, buffers: rows.buffers, children: [values])
      return RecordBatch(schema: Self.wide, columns: [column], length: 1)
    }
    try writer.write(batch(values.slice(0..<1)), to: &stream)
    let before = stream.bytes.count
    try writer.write(batch(values), to: &stream)
    // The message of the further value, many times.
    let (bytes, size) = (stream.bytes, stream.bytes.count - before)
    let delta = try #require(Self.firstMessage(Array(bytes[before...])))
    #expect(delta.count < size)
    var all = Array(bytes[..<before])
    for _ in 0..<count { all += delta }
    all += bytes[(before + delta.count)...]
    var reader = try IPCMemoryStreamReader(IPCBatches.shared(all))
    _ = try reader.next()
    let last = try #require(try reader.next())
    #expect(last.columns[0].children[0].length == 1 + count)
  }

  private static let wide = Schema([Field("d", .dictionary(index: .int32, value: .utf8, ordered: false))])

  /// The first of the messages that lie here one after the other.
  private static func firstMessage(_ bytes: [UInt8]) -> [UInt8]? {
    func integer(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
    let header = 8 + integer(4)
    // The next message begins with the same four bytes, at a multiple of 8.
    var end = header
    while end + 8 <= bytes.count {
      if bytes[end..<(end + 4)].allSatisfy({ $0 == 0xFF }) { return Array(bytes[..<end]) }
      end += 8
    }
    return nil
  }

  @Test("within the values of others are written first, and those others anew when they change")
  func nested() throws {
    func column(_ words: [String], _ indices: [Int8]) -> Column {
      let inner = Self.batch(Self.strings(words), indices.map { $0 }).columns[0]
      let structs = Column(
        type: .struct([Field("d", Self.type)]), length: inner.length, validity: nil, buffers: [], children: [inner])
      let outer = Self.batch(Self.strings([]), [0, 1, nil]).columns[0]
      return Column(
        type: .dictionary(index: .int8, value: structs.type, ordered: false), length: 3, validity: outer.validity,
        buffers: outer.buffers, children: [structs])
    }
    // The same values by other indices; other values; more of them.
    let columns = [
      column(["a", "b"], [0, 1]), column(["b", "a"], [1, 0]), column(["x", "y"], [0, 1]),
      column(["x", "y", "z"], [0, 1, 2]),
    ]
    let schema = Schema([Field("o", columns[0].type)])
    let batches = columns.map { RecordBatch(schema: schema, columns: [$0], length: 3) }
    let stream = try IPCBatches.stream(IPCSchema(schema.fields), batches)
    #expect(try IPCBatches.read(IPCBatches.shared(stream)) == batches)
    let folder = TemporaryFolder()
    let outcome = TestProcess.python(
      """
      import sys, pyarrow as pa
      for batch in pa.ipc.open_stream(sys.argv[1]):
          print(batch.column(0).to_pylist())
      """, arguments: [folder.write("stream", stream)])
    #expect(
      outcome.output == """
        [{'d': 'a'}, {'d': 'b'}, None]
        [{'d': 'a'}, {'d': 'b'}, None]
        [{'d': 'x'}, {'d': 'y'}, None]
        [{'d': 'x'}, {'d': 'y'}, None]

        """, "\(outcome.errors)")
  }

  @Test("of dictionaries have no form, which is said before anything is written")
  func dictionaryOfDictionaries() throws {
    var output = IPCBytes()
    let failure = try #require(throws: Failure.self) {
      _ = try IPCStreamWriter(IPCSchema([Field("d", .dictionary(of: .dictionary(of: .utf8)))]), to: &output)
    }
    #expect(failure.message.hasPrefix("column 'd' is a dictionary of dictionaries, for which Arrow IPC has no form"))
    #expect(output.bytes.isEmpty)
  }
}
