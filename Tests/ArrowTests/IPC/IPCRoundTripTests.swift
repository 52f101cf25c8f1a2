import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@Suite("What is written as Arrow IPC and read again")
struct IPCRoundTripTests {
  @Test("is the same for every type, number of rows, slice and share of nulls", arguments: RandomColumns.types)
  func everyType(_ type: DataType) throws {
    var generator = SeededGenerator()
    let schema = Schema([Field("x", type)])
    for length in [0, 1, 2, 7, 8, 9, 64, 65, 200] {
      for offset in [0, 1, 8, 13] {
        for nulls in [0, 1, 3] {
          let batch = IPCBatches.random(schema, length, nulls: nulls, offset: offset, &generator)
          for bytes in [
            try IPCBatches.stream(IPCSchema(schema.fields), [batch]),
            try IPCBatches.file(IPCSchema(schema.fields), [batch], options: IPCWriteOptions(alignment: 8)),
          ] {
            let read = try IPCBatches.read(IPCBatches.shared(bytes))
            #expect(read == [batch], "\(type) \(length) \(offset) \(nulls) \(generator)")
          }
        }
      }
    }
  }

  @Test("is the same for many batches of many columns, read at any time in any order")
  func manyBatches() throws {
    var generator = SeededGenerator()
    // Other dictionaries in each batch, which only a stream may have.
    let plain = Schema(IPCBatches.schema.fields.filter { !$0.type.description.contains("dictionary") })
    let batches = [0, 3, 100, 1, 0, 17].map { IPCBatches.random(plain, $0, nulls: 4, offset: 2, &generator) }
    var reader = try IPCFileReader(IPCBatches.shared(IPCBatches.file(IPCSchema(plain.fields), batches)))
    #expect(reader.batchCount == batches.count)
    for index in [5, 2, 2, 0, 1, 4, 3] {
      let batch = try reader.batch(index)
      #expect(batch == batches[index], "\(generator)")
    }
    let all = batches.map { IPCBatches.random($0.length, nulls: 4, offset: 3, &generator) }
    let stream = try IPCBatches.stream(IPCSchema(IPCBatches.schema.fields), all)
    #expect(try IPCBatches.read(IPCBatches.shared(stream)) == all, "\(generator)")
  }

  @Test("is the same when a stream arrives in pieces of any size, down to a byte")
  func pieces() throws {
    var generator = SeededGenerator()
    let batches = [5, 0, 70].map { IPCBatches.random($0, nulls: 3, &generator) }
    let bytes = try IPCBatches.stream(IPCSchema(IPCBatches.schema.fields), batches)
    for size in [1, 2, 7, 8, 1000, bytes.count - 1, bytes.count] {
      let read = try IPCBatches.read(bytes) { size }
      #expect(read == batches, "pieces of \(size) \(generator)")
    }
    for _ in 0..<20 {
      let read = try IPCBatches.read(bytes) { Int.random(in: 1...500, using: &generator) }
      #expect(read == batches, "\(generator)")
    }
  }

  @Test("ends at the end mark, and what follows is left to the caller")
  func endMark() throws {
    var generator = SeededGenerator()
    let batch = IPCBatches.random(5, nulls: 3, &generator)
    let bytes = try IPCBatches.stream(IPCSchema(batch.schema.fields), [batch])
    var reader = IPCStreamReader()
    try (bytes + [1, 2, 3]).withUnsafeBytes { all in
      var rest = all
      let first = try reader.next(&rest)
      #expect(first == batch)
      #expect(!reader.hasEnded)
      let second = try reader.next(&rest)
      #expect(second == nil)
      #expect(reader.hasEnded)
      #expect(Array(rest) == [1, 2, 3])
    }
    try reader.finish()
    // A stream without its mark is whole if it ends between two messages.
    #expect(try IPCBatches.read(IPCBatches.shared(Array(bytes.dropLast(8)))) == [batch])
    #expect(try IPCBatches.read(Array(bytes.dropLast(8))) { 100 } == [batch])
  }

  @Test("keeps the metadata of the schema and of fields at every depth")
  func metadata() throws {
    let fields = [
      Field("a", .struct([Field("b", .dictionary(of: .list(of: .int32))), Field("c", .utf8, nullable: false)])),
      Field("", .map(.int32, to: .utf8), nullable: false),
    ]
    var schema = IPCSchema(fields, metadata: [IPCKeyValue("k", "v"), IPCKeyValue("k", ""), IPCKeyValue("", "ü")])
    schema.annotations[0].metadata = [IPCKeyValue("ARROW:extension:name", "x")]
    schema.annotations[0].children[0].metadata = [IPCKeyValue("dictionary", "yes")]
    schema.annotations[0].children[0].children[0].metadata = [IPCKeyValue("item", "1"), IPCKeyValue("two", "2")]
    schema.annotations[1].children[0].children[1].metadata = [IPCKeyValue("value", "3")]
    for bytes in [try IPCBatches.stream(schema, []), try IPCBatches.file(schema, [])] {
      #expect(try IPCBatches.schema(of: IPCBatches.shared(bytes)) == schema)
    }
  }

  @Test("is the selected rows of a batch with a selection")
  func selection() throws {
    var generator = SeededGenerator()
    let batch = IPCBatches.random(100, nulls: 3, &generator)
    let rows = RandomColumns.column(.bool, (0..<100).map { .bool($0 % 3 == 0) })
    let selected = batch.selecting(Selection(trueRowsOf: rows))
    let read = try IPCBatches.read(
      IPCBatches.shared(IPCBatches.stream(IPCSchema(batch.schema.fields), [selected])))
    #expect(read == [selected], "\(generator)")
    #expect(read[0].length == 34)
  }

  @Test("takes no more bytes than the rows of a slice need")
  func slices() throws {
    var generator = SeededGenerator()
    let plain = Schema(IPCBatches.schema.fields.filter { !$0.type.description.contains("dictionary") })
    let large = IPCBatches.random(20_000, nulls: 5, &generator)
    let small = large.slice(11_003..<11_013)
    let batch = RecordBatch(
      schema: plain, columns: plain.fields.map { small.columns[Int($0.name.dropFirst()) ?? 0] }, length: 10)
    let bytes = try IPCBatches.stream(IPCSchema(plain.fields), [batch])
    let built = IPCBatches.random(plain, 10, nulls: 5, &generator)
    let expected = try IPCBatches.stream(IPCSchema(plain.fields), [built])
    #expect(bytes.count < 2 * expected.count, "\(generator)")
    #expect(try IPCBatches.read(IPCBatches.shared(bytes)) == [batch], "\(generator)")
  }

  @Test("lies at multiples of the alignment in a file")
  func alignment() throws {
    var generator = SeededGenerator()
    for alignment in [8, 16, 32, 64] {
      let batches = (0..<2).map { _ in
        IPCBatches.random(Schema([Field("a", .int64), Field("b", .utf8), Field("c", .bool)]), 77, nulls: 3, &generator)
      }
      let bytes = IPCBatches.shared(
        try IPCBatches.file(
          IPCSchema(batches[0].schema.fields), batches, options: IPCWriteOptions(alignment: alignment)))
      for batch in try IPCBatches.read(bytes) {
        for buffer in batch.columns.flatMap({ $0.buffers + ($0.validity.map { [$0] } ?? []) }) {
          #expect((buffer.address - bytes.address) % alignment == 0)
        }
      }
    }
  }
}
