import Base

/// A message's header: what its body is.
/// Source: https://github.com/apache/arrow/blob/main/format/Message.fbs
struct IPCMessage {
  enum Kind {
    case schema
    case dictionary
    case batch
  }

  let kind: Kind
  /// The table of that kind.
  let header: FlatTable
  /// Bytes of the body that follows.
  let bodyLength: Int

  /// - Parameter header: the bytes of the header's FlatBuffer.
  init(_ bytes: SharedBytes, options: IPCReadOptions) throws(Failure) {
    let flat = FlatBytes(bytes, "the header of an Arrow message")
    let message = try flat.root()
    try Self.version(try message.integer(0, default: Int16(0)))
    let number = try message.integer(1, default: UInt8(0))
    switch number {
    case 1: kind = .schema
    case 2: kind = .dictionary
    case 3: kind = .batch
    case 4, 5:
      throw Failure(
        .data, "the Arrow data holds a \(number == 4 ? "tensor" : "sparse tensor"), where record batches are expected")
    default: throw flat.damage("its kind is number \(number), where 1 to 3 are expected")
    }
    header = try message.table(2, "content")
    let length = try message.integer(3, default: Int64(0))
    guard length >= 0 else { throw flat.damage("its body has \(length) bytes") }
    bodyLength = Int(length)
  }

  /// Refuses versions of the format whose batches lie differently in memory.
  static func version(_ number: Int16) throws(Failure) {
    // Number 3 is V4, of 2017, number 4 is V5, of 2020; they differ in unions only.
    guard number == 3 || number == 4 else {
      throw Failure(
        .data,
        "the Arrow data is of metadata version V\(Int(number) + 1), and V4 and V5 can be read; write it with a current library"
      )
    }
  }

  /// Where to read after the prefix of a message.
  enum Prefix {
    /// The header's bytes, after a prefix of that many bytes.
    case header(size: Int, prefix: Int)
    /// The stream ends here.
    case end
    /// The prefix has more bytes than are there.
    case short
  }

  /// Reads the bytes in front of a header: a mark and the header's size, or, before 2019, the size alone.
  static func prefix(_ bytes: UnsafeRawBufferPointer, options: IPCReadOptions) throws(Failure) -> Prefix {
    guard bytes.count >= 4 else { return .short }
    var size = Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))
    var prefix = 4
    if size == -1 {
      guard bytes.count >= 8 else { return .short }
      size = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self))
      prefix = 8
    }
    if size == 0 { return .end }
    guard size > 0, Int(size) <= options.headerBytes else {
      throw Failure(
        .data,
        "an Arrow message is damaged or is none: its header has \(size) bytes, where 1 to \(options.headerBytes) are expected"
      )
    }
    return .header(size: Int(size), prefix: prefix)
  }
}
