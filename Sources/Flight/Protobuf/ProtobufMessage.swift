import Base

/// A message of protobuf, version 3.
///
/// Fields that have their default are not written; those that are unknown, or of another wire type than known, are
/// skipped when they are read.
/// Source of the format: https://protobuf.dev/programming-guides/encoding/
public protocol ProtobufMessage: Sendable, Hashable {
  /// The message's name, as its protocol file has it.
  static var protobufName: String { get }

  /// All fields with their defaults.
  init()

  /// Takes a field. One that occurs again wins over what was there, is merged with it if it is a message, and is added
  /// if it is repeated.
  mutating func take(_ field: ProtobufField) throws(Failure)

  /// Writes the fields in the order of their numbers.
  func write(to writer: inout ProtobufWriter)
}

extension ProtobufMessage {
  /// Reads a message.
  ///
  /// - Throws: `data` when the bytes are no message.
  public init(protobuf bytes: UnsafeRawBufferPointer) throws(Failure) {
    self.init()
    do throws(Failure) { try merge(bytes) } catch { throw error.within("a message \(Self.protobufName)") }
  }

  public init(protobuf bytes: [UInt8]) throws(Failure) {
    let result: Swift.Result<Self, Failure> = bytes.withUnsafeBytes { bytes in
      do throws(Failure) { return .success(try Self(protobuf: bytes)) } catch { return .failure(error) }
    }
    self = try result.get()
  }

  /// Takes all fields of the bytes, beside what there is.
  mutating func merge(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var reader = ProtobufReader(bytes)
    while let field = try reader.next() { try take(field) }
  }

  public func serialized() -> [UInt8] {
    var writer = ProtobufWriter()
    write(to: &writer)
    return writer.bytes
  }
}
