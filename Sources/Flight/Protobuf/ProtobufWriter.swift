/// Writes the fields of a message. Fields that have their default are left out, unless they are told to be there.
public struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ number: Int, _ value: UInt64) {
    if value == 0 { return }
    varint(ProtobufWire.tag(number, .varint))
    varint(value)
  }

  /// Negative ones take ten bytes.
  mutating func write(_ number: Int, _ value: Int64) { write(number, UInt64(bitPattern: value)) }

  mutating func write(_ number: Int, _ value: Int32) { write(number, Int64(value)) }

  mutating func write(_ number: Int, _ value: Bool) { write(number, UInt64(value ? 1 : 0)) }

  mutating func write(_ number: Int, _ value: some RawRepresentable<Int32>) { write(number, value.rawValue) }

  /// A field that tells whether it is there.
  mutating func write(_ number: Int, _ value: Double?) {
    guard let value else { return }
    varint(ProtobufWire.tag(number, .fixed64))
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ number: Int, _ value: [UInt8]) {
    if value.isEmpty { return }
    delimited(number, value)
  }

  mutating func write(_ number: Int, _ value: String) {
    if value.isEmpty { return }
    delimited(number, value.utf8)
  }

  /// A repeated field.
  mutating func write(_ number: Int, _ values: [String]) {
    for value in values { delimited(number, value.utf8) }
  }

  /// An embedded message, which is written if it is there, even when it is empty.
  mutating func write(_ number: Int, _ message: (some ProtobufMessage)?) {
    if let message { delimited(number, message.serialized()) }
  }

  /// A repeated field of messages.
  mutating func write(_ number: Int, _ messages: [some ProtobufMessage]) {
    for message in messages { delimited(number, message.serialized()) }
  }

  /// The tag and the length of a field whose bytes follow elsewhere.
  mutating func head(_ number: Int, byteCount: Int) {
    varint(ProtobufWire.tag(number, .lengthDelimited))
    varint(UInt64(byteCount))
  }

  private mutating func delimited(_ number: Int, _ content: some Collection<UInt8>) {
    head(number, byteCount: content.count)
    bytes.append(contentsOf: content)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
