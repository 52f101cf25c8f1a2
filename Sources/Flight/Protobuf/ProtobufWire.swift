import Base

/// How the value of a field lies in the bytes.
/// Source: https://protobuf.dev/programming-guides/encoding/#structure
enum ProtobufWire: UInt8 {
  case varint = 0
  case fixed64 = 1
  case lengthDelimited = 2
  case fixed32 = 5

  /// Bytes of the longest varint.
  static let varintLimit = 10

  /// The number and the wire type of a tag.
  ///
  /// - Throws: for numbers that there are not, and for groups (wire types 3 and 4), which version 3 does not have: no
  ///   message here ever had one, and to skip them would be nesting without a bound for nobody.
  static func tag(_ tag: UInt64) throws(Failure) -> (number: Int, wire: ProtobufWire) {
    let number = tag >> 3
    guard number >= 1, number < 1 << 29 else {
      throw Failure(
        .data, "a field has the number \(number), where 1 to 536870911 are possible; the bytes are no protobuf")
    }
    guard let wire = ProtobufWire(rawValue: UInt8(tag & 7)) else {
      throw Failure(
        .data, "field \(number) has wire type \(tag & 7), where 0, 1, 2 and 5 are expected; groups are not read")
    }
    return (Int(number), wire)
  }

  /// The tag of a field.
  static func tag(_ number: Int, _ wire: ProtobufWire) -> UInt64 { UInt64(number) << 3 | UInt64(wire.rawValue) }

  /// Bytes that a varint takes.
  static func byteCount(_ varint: UInt64) -> Int { max(1, (UInt64.bitWidth - varint.leadingZeroBitCount + 6) / 7) }
}

/// A varint whose bytes come one by one, the low seven bits first.
struct ProtobufVarint {
  private(set) var value: UInt64 = 0
  private var shift: UInt64 = 0

  /// Whether no byte of it has come.
  var isEmpty: Bool { shift == 0 }

  /// - Returns: whether it was the last byte.
  /// - Throws: for an eleventh byte. Bits beyond the 64th are lost, as they are in all of protobuf's own libraries.
  mutating func take(_ byte: UInt8) throws(Failure) -> Bool {
    guard shift < 7 * UInt64(ProtobufWire.varintLimit) else {
      throw Failure(.data, "an integer has more than \(ProtobufWire.varintLimit) bytes; the bytes are no protobuf")
    }
    value |= UInt64(byte & 0x7F) << shift
    shift += 7
    return byte < 0x80
  }
}
