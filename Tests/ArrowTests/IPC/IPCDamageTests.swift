import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@Suite("Damaged Arrow IPC")
struct IPCDamageTests {
  /// Small, and with every layout in it.
  private static let schema = Schema([
    Field("fixed", .int32), Field("text", .utf8), Field("large", .largeBinary), Field("view", .utf8View),
    Field("bits", .bool, nullable: false), Field("list", .list(of: .largeUtf8)), Field("null", .null),
    Field(
      "record",
      .struct([
        Field("a", .fixedSizeList(Field("item", .int16), size: 2)), Field("b", .decimal128(precision: 38, scale: 2)),
      ])),
    Field("dictionary", .dictionary(index: .int8, value: .utf8, ordered: false)),
    Field("map", .map(.utf8, to: .largeBinary)),
  ])

  private static func samples(_ generator: inout SeededGenerator) throws(Failure) -> [[UInt8]] {
    let batch = IPCBatches.random(schema, 5, nulls: 3, &generator)
    let full = RecordBatch(
      schema: schema,
      columns: schema.fields.map {
        $0.nullable ? batch.columns[schema.index(of: $0.name) ?? 0] : .constant(.bool(true), count: 5)
      },
      length: 5)
    let options = IPCWriteOptions(alignment: 8)
    return [
      try IPCBatches.stream(IPCSchema(schema.fields), [full, full.slice(1..<4)], options: options),
      try IPCBatches.file(IPCSchema(schema.fields), [full, full.slice(1..<4)], options: options),
    ]
  }

  private static func read(_ bytes: [UInt8]) throws(Failure) -> UInt64 {
    var options = IPCReadOptions()
    options.bodyBytes = 1 << 24
    let result: Result<UInt64, Failure> = bytes.withUnsafeBytes { bytes in
      do throws(Failure) { return .success(try ArrowIPC.readEverything(bytes, options: options)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  @Test("is refused wherever it is cut off, but between two messages of a stream")
  func truncation() throws {
    var generator = SeededGenerator()
    let samples = try Self.samples(&generator)
    for (index, bytes) in samples.enumerated() {
      _ = try Self.read(bytes)
      var wholeEnds = 0
      for count in 0..<bytes.count {
        let cut = Array(bytes.prefix(count))
        do throws(Failure) {
          _ = try Self.read(cut)
          wholeEnds += 1
        } catch {
          #expect(error.kind == .data)
        }
        var batches = 0
        do throws(Failure) { batches = try IPCBatches.read(cut) { 97 }.count } catch { #expect(error.kind == .data) }
        #expect(index == 0 ? batches <= 2 : batches == 0)
      }
      // After the schema, the dictionary and each of two batches, and at the end mark's first four bytes, which are no
      // end.
      #expect(wholeEnds == (index == 0 ? 4 : 0), "\(generator)")
    }
  }

  @Test("is read or refused, whatever bytes are changed")
  func mutations() throws {
    var generator = SeededGenerator()
    let samples = try Self.samples(&generator)
    var read = 0
    var refused = 0
    let values: [UInt8] = [0, 1, 2, 4, 8, 0x7F, 0x80, 0xFF]
    for round in 0..<100_000 {
      var bytes = samples[round % samples.count]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = values[Int.random(in: 0..<values.count, using: &generator)]
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 2: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        default:
          // Part of the bytes elsewhere, so that numbers and offsets get others' meaning.
          let source = Int.random(in: 0..<bytes.count, using: &generator)
          for index in 0..<min(8, bytes.count - max(place, source)) { bytes[place + index] = bytes[source + index] }
        }
      }
      do throws(Failure) {
        _ = try Self.read(bytes)
        read += 1
      } catch {
        #expect(!error.message.isEmpty)
        refused += 1
      }
    }
    // Both happen often: padding and values may change, offsets and lengths not.
    #expect(read > 5_000 && refused > 5_000, "\(read) read, \(refused) refused, \(generator)")
  }

  @Test("is refused by a sentence that names what is wrong")
  func sentences() throws {
    func message(_ bytes: [UInt8]) -> String {
      do throws(Failure) {
        _ = try Self.read(bytes)
        return "it was read"
      } catch {
        return error.message
      }
    }
    #expect(message([]) == "the Arrow stream ends before its schema; it was cut off")
    #expect(message(Array("ARROW1".utf8)).hasPrefix("the Arrow file does not end with 'ARROW1'"))
    #expect(
      message(Array("a,b,c\n1,2,3\n".utf8)).hasPrefix(
        "an Arrow message is damaged or is none: its header has 744631393"))
    #expect(message([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]) == "the Arrow stream ends before its schema; it was cut off")
  }

  @Test("takes no memory for sizes that it only claims")
  func claims() throws {
    // A header of 256 MiB, of which nothing comes.
    var reader = IPCStreamReader()
    let before = BufferPool.bytesInUse
    try ([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x10, 1, 2, 3] as [UInt8]).withUnsafeBytes { all in
      var rest = all
      let batch = try reader.next(&rest)
      #expect(batch == nil)
      #expect(rest.isEmpty)
    }
    #expect(BufferPool.bytesInUse - before < 1 << 26)
    #expect(throws: Failure.self) { try reader.finish() }
  }
}
