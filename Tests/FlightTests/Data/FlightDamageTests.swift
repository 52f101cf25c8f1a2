import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Flight

@Suite("Damaged streams of batches")
struct FlightDamageTests {
  /// Small, and with every layout in it.
  private static let schema = Schema([
    Field("fixed", .int32), Field("text", .utf8), Field("large", .largeBinary), Field("view", .utf8View),
    Field("bits", .bool),
    Field("list", .list(of: .largeUtf8)), Field("null", .null),
    Field("record", .struct([Field("a", .fixedSizeList(Field("item", .int16), size: 2))])),
    Field("dictionary", .dictionary(index: .int8, value: .utf8, ordered: false)),
    Field("map", .map(.utf8, to: .largeBinary)),
  ])

  /// Reads all, and every value of it.
  private static func read(_ bytes: [UInt8], upTo size: Int, _ generator: inout SeededGenerator) throws {
    var options = IPCReadOptions()
    options.bodyBytes = 1 << 24
    var decoder = FlightDataDecoder(limit: 1 << 20)
    var reader = FlightBatchReader(options: options)
    try bytes.inPieces(upTo: size, &generator) { rest in
      guard let data = try decoder.next(&rest), case .batch(let batch, _) = try reader.take(data) else { return }
      // Nulls cost nothing to claim.
      if batch.length < 1000 { for column in batch.columns where column.type != .null { _ = column.literals } }
    }
    try decoder.finish()
  }

  @Test("are refused wherever they are cut off, but between two messages")
  func truncation() throws {
    var generator = SeededGenerator()
    let batch = FlightBatches.random(Self.schema, 5, nulls: 3, &generator)
    let bytes = try FlightBatches.bytes(Self.schema, [batch], options: IPCWriteOptions(alignment: 8))
    var whole = 0
    for count in 0...bytes.count {
      do {
        try Self.read(Array(bytes.prefix(count)), upTo: 1 << 10, &generator)
        whole += 1
      } catch {
        #expect((error as? GRPCStatus)?.code == .internal)
      }
    }
    // Before and after the schema, the dictionary and the batch.
    #expect(whole == 4, "\(generator)")
  }

  @Test("are read or refused, whatever bytes are changed, and memory stays within the bound")
  func mutations() throws {
    var generator = SeededGenerator()
    let batch = FlightBatches.random(Self.schema, 5, nulls: 3, &generator)
    let sample = try FlightBatches.bytes(
      Self.schema, [batch, batch.slice(1..<4)], descriptor: .path("a"), options: IPCWriteOptions(alignment: 8))
    var read = 0
    var refused: [GRPCStatus.Code: Int] = [:]
    let values: [UInt8] = [0, 1, 2, 4, 8, 0x7F, 0x80, 0xFF]
    for _ in 0..<30_000 {
      var bytes = sample
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[place] = values.randomElement(using: &generator)!
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        default:
          let source = Int.random(in: bytes.indices, using: &generator)
          for index in 0..<min(8, bytes.count - max(place, source)) { bytes[place + index] = bytes[source + index] }
        }
      }
      do {
        try Self.read(bytes, upTo: 1 << 12, &generator)
        read += 1
      } catch let status as GRPCStatus {
        #expect(!status.message.isEmpty)
        refused[status.code, default: 0] += 1
      } catch let failure as Failure {
        #expect(failure.kind == .data || failure.kind == .usage, "\(failure)")
        refused[GRPCStatus(failure).code, default: 0] += 1
      }
    }
    #expect(read > 1000, "\(generator)")
    for code in [GRPCStatus.Code.internal, .invalidArgument] {
      #expect(refused[code, default: 0] > 1000, "\(code) \(generator)")
    }
  }
}
