import Arrow
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
    #expect(shrunk[1] > 1500)
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
