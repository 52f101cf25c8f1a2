import Base
import TestSupport
import Testing

@testable import Flight

/// By hand, after the examples of protobuf's own document.
@Suite("The wire format of protobuf")
struct ProtobufWireTests {
  /// One field of each kind.
  private struct Sample: ProtobufMessage {
    static let protobufName = "Sample"
    var unsigned: UInt64 = 0
    var signed: Int64 = 0
    var small: Int32 = 0
    var flag = false
    var number: Double?
    var bytes: [UInt8] = []
    var text = ""
    var texts: [String] = []
    var kind = FlightDescriptor.Kind.unknown
    var inner: FlightEndpoint?
    var inners: [Ticket] = []

    mutating func take(_ field: ProtobufField) throws(Failure) {
      switch field.number {
      case 1: field.take(&unsigned)
      case 2: field.take(&signed)
      case 3: field.take(&small)
      case 4: field.take(&flag)
      case 5: field.take(&number)
      case 6: field.take(&bytes)
      case 7: try field.take(&text)
      case 8: try field.take(&texts)
      case 9: field.take(&kind)
      case 10: try field.take(&inner)
      case 16: try field.take(&inners)
      default: break
      }
    }

    func write(to writer: inout ProtobufWriter) {
      writer.write(1, unsigned)
      writer.write(2, signed)
      writer.write(3, small)
      writer.write(4, flag)
      writer.write(5, number)
      writer.write(6, bytes)
      writer.write(7, text)
      writer.write(8, texts)
      writer.write(9, kind)
      writer.write(10, inner)
      writer.write(16, inners)
    }
  }

  private static func read(_ bytes: [UInt8]) throws(Failure) -> Sample { try Sample(protobuf: bytes) }

  private static func message(_ bytes: [UInt8]) -> String {
    do throws(Failure) { return "read: \(try read(bytes))" } catch {
      #expect(error.kind == .data)
      return error.message
    }
  }

  @Test("Each kind of field has the bytes that the format says")
  func vectors() throws {
    let table: [(Sample, [UInt8])] = [
      (Sample(), []), (Sample(unsigned: 150), [0x08, 0x96, 0x01]), (Sample(unsigned: 127), [0x08, 0x7F]),
      (Sample(unsigned: .max), [0x08] + [UInt8](repeating: 0xFF, count: 9) + [1]),
      (Sample(signed: -2), [0x10, 0xFE] + [UInt8](repeating: 0xFF, count: 8) + [1]),
      (Sample(small: -1), [0x18] + [UInt8](repeating: 0xFF, count: 9) + [1]), (Sample(flag: true), [0x20, 1]),
      (Sample(number: 0), [0x29, 0, 0, 0, 0, 0, 0, 0, 0]), (Sample(number: 1), [0x29, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
      (Sample(bytes: [1, 2]), [0x32, 2, 1, 2]),
      (Sample(text: "testing"), [0x3A, 7, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67]),
      (Sample(texts: ["a", "", "b"]), [0x42, 1, 0x61, 0x42, 0, 0x42, 1, 0x62]),
      (Sample(kind: .init(rawValue: 77)), [0x48, 77]),
      (Sample(inner: FlightEndpoint()), [0x52, 0]),
      (Sample(inner: FlightEndpoint(ticket: Ticket(ticket: [9]))), [0x52, 5, 0x0A, 3, 0x0A, 1, 9]),
      (Sample(inners: [Ticket(), Ticket(ticket: [9])]), [0x82, 1, 0, 0x82, 1, 3, 0x0A, 1, 9]),
    ]
    for (sample, bytes) in table {
      #expect(sample.serialized() == bytes)
      #expect(try Self.read(bytes) == sample)
    }
  }

  @Test("The last value of a field wins, and messages within are merged")
  func repetition() throws {
    let both = Sample(
      unsigned: 1, bytes: [1, 2], texts: ["a"],
      inner: FlightEndpoint(ticket: Ticket(ticket: [1]), locations: [Location(uri: "x")]),
      inners: [Ticket()])
    let later = Sample(
      unsigned: 2, bytes: [3], texts: ["b"], inner: FlightEndpoint(locations: [Location(uri: "y")], appMetadata: [7]),
      inners: [Ticket(ticket: [4])])
    let read = try Self.read(both.serialized() + later.serialized())
    #expect(
      read
        == Sample(
          unsigned: 2, bytes: [3], texts: ["a", "b"],
          inner: FlightEndpoint(
            ticket: Ticket(ticket: [1]), locations: [Location(uri: "x"), Location(uri: "y")], appMetadata: [7]),
          inners: [Ticket(), Ticket(ticket: [4])]))
    // An explicit default wins too.
    #expect(try Self.read([0x08, 5, 0x08, 0, 0x32, 1, 1, 0x32, 0]) == Sample())
  }

  @Test("Unknown fields and those of another wire type are skipped")
  func unknown() throws {
    let unknown: [[UInt8]] = [
      [0x98, 0x06, 0xFF, 0x01], [0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8], [0x9A, 0x06, 3, 0xFF, 0xFF, 0xFF],
      [0x9D, 0x06, 1, 2, 3, 4],
      [0xFA, 0xFF, 0xFF, 0xFF, 0x0F, 1, 7], [0x0A, 1, 9], [0x30, 5], [0x55, 1, 2, 3, 4],
    ]
    let known = Sample(unsigned: 150, text: "x").serialized()
    for bytes in unknown { #expect(try Self.read(bytes + known + bytes) == Sample(unsigned: 150, text: "x")) }
    // Integers may take more bytes than they need, and lose what is above their width.
    #expect(try Self.read([0x08, 0x80, 0x80, 0]).unsigned == 0)
    #expect(try Self.read([0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]).small == -1)
    #expect(try Self.read([0x20, 0x80, 0x02]).flag)
    #expect(try Self.read([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x7F]).unsigned == .max)
  }

  @Test("What is no protobuf is refused by a sentence that names the field")
  func refusals() {
    let place = "a message Sample: "
    #expect(Self.message([0x00, 0]).hasPrefix(place + "a field has the number 0"))
    #expect(Self.message([0x80, 0x80, 0x80, 0x80, 0x10, 0]).hasPrefix(place + "a field has the number 536870912"))
    #expect(Self.message([0x0B, 0x0C]).hasPrefix(place + "field 1 has wire type 3"))
    for wire in [UInt8(4), 6, 7] { #expect(Self.message([0x08 | wire]).contains("wire type \(wire)")) }
    #expect(Self.message([0x08]) == place + "the bytes end within an integer; they were cut off")
    #expect(Self.message([0x08] + [UInt8](repeating: 0x80, count: 11)).contains("more than 10 bytes"))
    #expect(Self.message([0x32, 3, 1, 2]) == place + "field 6 has 3 bytes, and 2 are left; they were cut off")
    #expect(
      Self.message([0x32] + [UInt8](repeating: 0xFF, count: 9) + [1, 0]).contains(
        "field 6 has 18446744073709551615 bytes"))
    #expect(Self.message([0x29, 1, 2]).contains("field 5 has 8 bytes, and 2 are left"))
    #expect(Self.message([0x9D, 0x06, 1]).contains("field 99 has 4 bytes, and 1 are left"))
    #expect(Self.message([0x3A, 1, 0xFF]) == place + "field 7 is text, and its bytes are not UTF-8")
    #expect(
      Self.message([0x52, 2, 0x0A, 5]) == place + "field 10: field 1 has 5 bytes, and 0 are left; they were cut off")
  }

  @Test("Is read or refused, whatever bytes are changed")
  func mutations() {
    var random = SeededGenerator()
    let info = FlightInfo(
      schema: [1, 2, 3], descriptor: .path("a", "größer"),
      endpoints: [
        FlightEndpoint(
          ticket: Ticket(ticket: [9]), locations: [Location(uri: "grpc://x")],
          expirationTime: ProtobufTimestamp(seconds: -5, nanoseconds: 7), appMetadata: [1])
      ], totalRecords: -1, totalBytes: 1 << 40, ordered: true, appMetadata: [4])
    let poll = PollInfo(info: info, descriptor: .command([1]), progress: 0.5).serialized()
    var read = 0
    var refused = 0
    for _ in 0..<20_000 {
      var bytes = poll
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      do throws(Failure) {
        // What was read is a message like another.
        let message = try PollInfo(protobuf: bytes)
        #expect(try PollInfo(protobuf: message.serialized()).serialized() == message.serialized(), "\(random)")
        read += 1
      } catch {
        refused += 1
      }
    }
    #expect(read > 500 && refused > 500, "\(read) read, \(refused) refused, \(random)")
  }
}
