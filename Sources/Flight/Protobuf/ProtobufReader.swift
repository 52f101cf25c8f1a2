import Base

/// Reads the fields of a message from bytes that are valid as long as it is used. Every length is checked against what
/// is there.
struct ProtobufReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The next field, nil at the end.
  mutating func next() throws(Failure) -> ProtobufField? {
    if position == bytes.count { return nil }
    let (number, wire) = try ProtobufWire.tag(try varint())
    switch wire {
    case .varint: return ProtobufField(number: number, value: .varint(try varint()))
    case .fixed64:
      let bytes = try take(8, number)
      return ProtobufField(number: number, value: .fixed64(UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))))
    case .fixed32:
      let bytes = try take(4, number)
      return ProtobufField(number: number, value: .fixed32(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))))
    case .lengthDelimited:
      let length = try varint()
      return ProtobufField(number: number, value: .bytes(try take(length, number)))
    }
  }

  private mutating func varint() throws(Failure) -> UInt64 {
    var varint = ProtobufVarint()
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if try varint.take(byte) { return varint.value }
    }
    throw Failure(.data, "the bytes end within an integer; they were cut off")
  }

  private mutating func take(_ count: UInt64, _ number: Int) throws(Failure) -> UnsafeRawBufferPointer {
    let left = bytes.count - position
    guard count <= UInt64(left) else {
      throw Failure(.data, "field \(number) has \(count) bytes, and \(left) are left; they were cut off")
    }
    defer { position += Int(count) }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + Int(count))])
  }
}
