import Arrow
import TestSupport
import Testing

@testable import Flight

@Suite("The decoder of FlightData")
struct FlightDataDecoderTests {
  private static func framed(_ message: [UInt8]) -> [UInt8] { GRPCPrefix.bytes(message.count) + message }

  private static func decode(
    _ bytes: [UInt8], upTo size: Int = .max, limit: Int = 1 << 20
  ) throws -> [FlightData] {
    var decoder = FlightDataDecoder(limit: limit)
    var generator = SeededGenerator()
    var messages: [FlightData] = []
    try bytes.inPieces(upTo: min(size, max(1, bytes.count)), &generator) { rest in
      if let message = try decoder.next(&rest) { messages.append(message) }
    }
    try decoder.finish()
    return messages
  }

  private static func status(_ message: [UInt8]) -> GRPCStatus? {
    do {
      _ = try decode(framed(message), upTo: 1)
      return nil
    } catch {
      return error as? GRPCStatus
    }
  }

  /// The known fields, as protobuf has them.
  private static func serialized(_ data: FlightData) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.write(FlightData.Number.descriptor, data.descriptor)
    writer.write(FlightData.Number.header, data.header?.withBytes { Array($0) } ?? [])
    writer.write(FlightData.Number.appMetadata, data.appMetadata)
    writer.write(FlightData.Number.body, data.body.withBytes { Array($0) })
    return writer.bytes
  }

  @Test("Random messages with fields of a later version are what protobuf's own library reads, however they are cut")
  func peers() throws {
    var random = SeededGenerator()
    let commands = (0..<200).map { _ in "random LaterFlightData \(UInt32.random(in: 0 ... .max, using: &random))" }
    // An empty message too.
    let answers = try ProtobufPeer.ask(commands) + [ProtobufPeer.hex([])]
    let dumps = try ProtobufPeer.ask(answers.map { "dump FlightData \($0)" })
    let bytes = answers.flatMap { Self.framed(ProtobufPeer.bytes($0)) }
    for size in [1, 3, 50, 5000, bytes.count] {
      let messages = try Self.decode(bytes, upTo: size)
      try #require(messages.count == answers.count, "\(random)")
      let ours = try ProtobufPeer.ask(messages.map { "dump FlightData \(ProtobufPeer.hex(Self.serialized($0)))" })
      #expect(ours == dumps, "pieces of \(size) \(random)")
    }
    #expect(dumps.contains { $0.contains("data_body") } && dumps.contains("{}"))
  }

  @Test("Fields come in any order, the last of each wins, and descriptors are merged")
  func order() throws {
    var writer = ProtobufWriter()
    writer.write(1000, [1, 2] as [UInt8])
    writer.write(3, [5] as [UInt8])
    writer.write(1, FlightDescriptor.path("a"))
    writer.write(2, [3] as [UInt8])
    writer.write(1000, [4] as [UInt8])
    writer.write(1, FlightDescriptor.path("b"))
    let data = try #require(try Self.decode(Self.framed(writer.bytes), upTo: 2).first)
    #expect(data.descriptor == .path("a", "b") && data.appMetadata == [5])
    #expect(data.header.map { $0.withBytes { Array($0) } } == [3] && data.body.withBytes { Array($0) } == [4])
    writer.head(1000, byteCount: 0)
    writer.head(2, byteCount: 0)
    let emptied = try #require(try Self.decode(Self.framed(writer.bytes)).first)
    #expect(emptied.body.count == 0 && emptied.header?.count == 0)
  }

  @Test("An empty message is one without anything")
  func empty() throws {
    let messages = try Self.decode(Self.framed([]) + Self.framed([]), upTo: 3)
    #expect(messages.count == 2)
    #expect(
      messages.allSatisfy { $0.descriptor == nil && $0.header == nil && $0.appMetadata.isEmpty && $0.body.count == 0 })
  }

  @Test("Bodies lie at multiples of 64, in one buffer of their length, in every message of a stream")
  func alignment() throws {
    var bytes: [UInt8] = []
    let sizes = [1, 63, 64, 65_535, 65_536, 65_537, 300_000, 1_000_000, 5]
    for (index, size) in sizes.enumerated() {
      var writer = ProtobufWriter()
      writer.write(1000, (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ index) })
      bytes += Self.framed(writer.bytes)
    }
    for size in [16_384, 100_000, bytes.count] {
      let messages = try Self.decode(bytes, upTo: size, limit: 1 << 21)
      #expect(messages.map(\.body.count) == sizes)
      for (index, message) in messages.enumerated() {
        #expect(Int(bitPattern: message.body.address) % 64 == 0 && message.body.owner is Buffer)
        let isEqual = message.body.withBytes { bytes in
          bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ index) }
        }
        #expect(isEqual, "message \(index) in pieces of \(size)")
      }
    }
  }

  @Test("What is damaged ends the call with INTERNAL, by a sentence that names the field")
  func damage() {
    let place = "a message arrow.flight.protocol.FlightData: "
    #expect(
      Self.status([0x12, 5, 1])?.message == place + "field 2 has 5 bytes, and 1 are left of the message; it is damaged")
    #expect(
      Self.status([0xC2, 0x3E, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0])?.message.contains("field 1000 has 4294967295 bytes")
        == true)
    #expect(Self.status([0x12, 0x80])?.message == place + "it ends within a field; it is damaged")
    #expect(Self.status([0x80])?.message == place + "it ends within a field; it is damaged")
    #expect(Self.status([0x08] + [UInt8](repeating: 0x80, count: 11))?.code == .internal)
    #expect(Self.status([0x08, 0x80])?.code == .internal)
    #expect(Self.status([0x09, 0, 0])?.message.contains("field 1 has 8 bytes, and 2 are left") == true)
    #expect(
      Self.status([0x13, 0x14])?.message == place
        + "field 2 has wire type 3, where 0, 1, 2 and 5 are expected; groups are not read")
    #expect(Self.status([0x00])?.code == .internal)
    #expect(Self.status([0x0A, 2, 0x0A, 9])?.message.contains("field 1 has 9 bytes") == true)
    #expect(throws: GRPCStatus.self) { try Self.decode([0, 0, 0, 0, 9, 0x12]) }
    #expect(throws: GRPCStatus.self) { try Self.decode([0, 0, 0]) }
  }

  @Test("A descriptor in very many parts takes time in proportion, and has a limit", .timeLimit(.minutes(10)))
  func manyParts() throws {
    // A path of one letter.
    let part: [UInt8] = [0x0A, 3, 0x1A, 1, 0x78]
    let count = 300_000
    let message = [[UInt8]](repeating: part, count: count).flatMap { $0 }
    let data = try Self.decode(Self.framed(message), limit: 1 << 24)
    #expect(data.first?.descriptor?.path.count == count)
    // So does a message within a message.
    #expect(try PollInfo(protobuf: message.map { $0 == 0x0A ? 0x12 : $0 }).descriptor?.path.count == count)
    let large = FlightDescriptor.command([UInt8](repeating: 0, count: FlightDataDecoder.descriptorLimit))
    var writer = ProtobufWriter()
    writer.write(1, large)
    #expect(throws: GRPCStatus.self) { try Self.decode(Self.framed(writer.bytes), limit: 1 << 24) }
  }

  @Test("Compressed messages and those beyond the limit are refused by their prefix")
  func prefixes() throws {
    func status(_ bytes: [UInt8], encoding: String?) -> GRPCStatus? {
      var decoder = FlightDataDecoder(limit: 1000, encoding: encoding)
      return bytes.withUnsafeBytes { bytes in
        var rest = bytes
        do throws(GRPCStatus) {
          _ = try decoder.next(&rest)
          return nil
        } catch {
          return error
        }
      }
    }
    #expect(status([1, 0, 0, 0, 1], encoding: "gzip")?.message.contains("'gzip'") == true)
    #expect(status([0, 0, 0, 3, 0xE9], encoding: nil)?.code == .resourceExhausted)
    #expect(status([0, 0, 0, 3, 0xE8], encoding: nil) == nil)
  }

  @Test("Calls that only claim take no memory for it, before a body has come and after")
  func claims() throws {
    func claim(_ decoder: inout FlightDataDecoder, _ count: Int) throws {
      var writer = ProtobufWriter()
      writer.head(1000, byteCount: count)
      try (GRPCPrefix.bytes(writer.bytes.count + count) + writer.bytes + [7, 7]).withUnsafeBytes { all in
        var rest = all
        let data = try decoder.next(&rest)
        #expect(data == nil)
        #expect(rest.isEmpty)
      }
    }
    // Other tests take memory meanwhile, but not as much as these would.
    let before = BufferPool.bytesInUse
    var decoders = (0..<20_000).map { _ in FlightDataDecoder(limit: 1 << 31) }
    for index in decoders.indices { try claim(&decoders[index], (1 << 31) - 100) }
    // Two bytes each have come.
    #expect(decoders.allSatisfy { $0.heldByteCount < 1_024 })
    #expect(BufferPool.bytesInUse - before < 1 << 30)
    withExtendedLifetime(decoders) {}
    // One that has sent a small body is believed no more.
    decoders = (0..<200).map { _ in FlightDataDecoder(limit: 1 << 31) }
    for index in decoders.indices {
      var writer = ProtobufWriter()
      writer.write(1000, [1, 2, 3] as [UInt8])
      try Self.framed(writer.bytes).withUnsafeBytes { all in
        var rest = all
        let data = try decoders[index].next(&rest)
        #expect(data?.body.count == 3)
      }
      try claim(&decoders[index], (1 << 31) - 100)
    }
    #expect(decoders.allSatisfy { $0.heldByteCount < 1_024 })
    #expect(BufferPool.bytesInUse - before < 1 << 30)
  }
}
