import Arrow
import Base

/// A field that is being read. What it is taken as tells its wire type; a value of another one is not the field that
/// the reader knows, and is left out, as unknown fields are.
public struct ProtobufField {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// Valid while the message's bytes are.
    case bytes(UnsafeRawBufferPointer)
  }

  let number: Int
  let value: Value

  func take(_ target: inout UInt64) {
    if case .varint(let value) = value { target = value }
  }

  func take(_ target: inout Int64) {
    if case .varint(let value) = value { target = Int64(bitPattern: value) }
  }

  func take(_ target: inout Int32) {
    if case .varint(let value) = value { target = Int32(truncatingIfNeeded: value) }
  }

  func take(_ target: inout Bool) {
    if case .varint(let value) = value { target = value != 0 }
  }

  /// A field that tells whether it is there.
  func take(_ target: inout Double?) {
    if case .fixed64(let value) = value { target = Double(bitPattern: value) }
  }

  /// An enumeration, which may have numbers that are not known here.
  func take<Number: RawRepresentable<Int32>>(_ target: inout Number) {
    var number = target.rawValue
    take(&number)
    if let known = Number(rawValue: number) { target = known }
  }

  func take(_ target: inout [UInt8]) {
    if case .bytes(let bytes) = value { target = Array(bytes) }
  }

  func take(_ target: inout String) throws(Failure) {
    if let text = try text() { target = text }
  }

  /// A repeated field.
  func take(_ target: inout [String]) throws(Failure) {
    if let text = try text() { target.append(text) }
  }

  /// An embedded message; its fields are merged into what there is.
  func take<Message: ProtobufMessage>(_ target: inout Message?) throws(Failure) {
    guard case .bytes(let bytes) = value else { return }
    var message = target ?? Message()
    // What it holds has one owner now, and grows in place: a copy for each of many parts would be quadratic.
    target = nil
    try merge(bytes, into: &message)
    target = message
  }

  /// A repeated field of messages.
  func take<Message: ProtobufMessage>(_ target: inout [Message]) throws(Failure) {
    guard case .bytes(let bytes) = value else { return }
    var message = Message()
    try merge(bytes, into: &message)
    target.append(message)
  }

  private func merge<Message: ProtobufMessage>(
    _ bytes: UnsafeRawBufferPointer, into message: inout Message
  ) throws(Failure) {
    do throws(Failure) { try message.merge(bytes) } catch { throw error.within("field \(number)") }
  }

  private func text() throws(Failure) -> String? {
    guard case .bytes(let bytes) = value else { return nil }
    guard Utf8.isValid(bytes) else {
      throw Failure(.data, "field \(number) is text, and its bytes are not UTF-8")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
