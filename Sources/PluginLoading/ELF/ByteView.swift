/// Reads of little-endian integers and strings at any place of untrusted bytes: a place outside them is an error, never a
/// fault.
struct ByteView {
  let bytes: UnsafeRawBufferPointer

  /// A structure of the file that points outside it, or that cannot be.
  struct Damage: Error {
    /// What is damaged: "its section table lies outside the file".
    var what: String
  }

  var count: UInt64 { UInt64(bytes.count) }

  /// Bytes `offset ..< offset + length`; `what` names them in the error.
  func part(_ offset: UInt64, _ length: UInt64, _ what: String) throws(Damage) -> ByteView {
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow, end <= count else { throw Damage(what: "its \(what) lies outside the file") }
    return ByteView(bytes: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(end)]))
  }

  func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ offset: UInt64, _ what: String, as _: Value.Type = Value.self
  ) throws(Damage) -> Value {
    let size = UInt64(MemoryLayout<Value>.size)
    let (end, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, end <= count else { throw Damage(what: "its \(what) lies outside the file") }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(offset), as: Value.self))
  }

  /// The bytes from `offset` to the next NUL, or to the end of the view.
  func bytesToNUL(_ offset: UInt64, _ what: String) throws(Damage) -> UnsafeRawBufferPointer {
    guard offset <= count else { throw Damage(what: "its \(what) lies outside the file") }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[Int(offset)...])
    return UnsafeRawBufferPointer(rebasing: rest[..<(rest.firstIndex(of: 0) ?? rest.endIndex)])
  }

  func string(_ offset: UInt64, _ what: String) throws(Damage) -> String {
    String(decoding: try bytesToNUL(offset, what), as: UTF8.self)
  }
}
