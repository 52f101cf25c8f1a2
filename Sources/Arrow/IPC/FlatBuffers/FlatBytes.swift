import Base

/// The bytes of a FlatBuffer that somebody else made: every read is checked against their end.
///
/// Little endian at any alignment. Tables and structs that are read of it keep it and its memory alive.
/// Source of the format: https://flatbuffers.dev/internals/
final class FlatBytes {
  private let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject
  /// "a message's header", the start of each sentence of refusal.
  let subject: String
  /// What may still be read. Offsets may point to one place many times, so a small buffer can describe a tree of any
  /// size; nobody who writes a place for each table gets near eight times the bytes that there are.
  private var allowance: Int

  init(_ bytes: SharedBytes, _ subject: String) {
    self.bytes = UnsafeRawBufferPointer(start: bytes.address, count: bytes.count)
    owner = bytes.owner
    self.subject = subject
    allowance = 8 * bytes.count + 1024
  }

  var count: Int { bytes.count }

  func damage(_ finding: String) -> Failure {
    Failure(.data, "\(subject) is damaged: \(finding); write the data anew")
  }

  /// Counts `count` bytes as read.
  func spend(_ count: Int) throws(Failure) {
    guard count <= allowance else {
      throw damage("its \(self.count) bytes refer to themselves more than eight times over")
    }
    allowance -= count
  }

  /// The value at `position`.
  func load<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at position: Int) throws(Failure) -> Value {
    guard position >= 0, position <= count - MemoryLayout<Value>.size else {
      throw damage("it refers to byte \(position), and has \(count)")
    }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
  }

  /// Where the offset at `position` points to.
  func target(at position: Int) throws(Failure) -> Int { position + Int(try load(UInt32.self, at: position)) }

  /// The table that the first offset points to.
  func root() throws(Failure) -> FlatTable { try FlatTable(self, at: try target(at: 0)) }

  /// `byteCount` bytes from `position` on, which must be there. Valid while this is alive.
  func bytes(at position: Int, count byteCount: Int) throws(Failure) -> UnsafeRawBufferPointer {
    guard position >= 0, byteCount >= 0, position <= count, byteCount <= count - position else {
      throw damage("it refers to \(byteCount) bytes from byte \(position) on, and has \(count)")
    }
    try spend(byteCount)
    return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + byteCount)])
  }
}
