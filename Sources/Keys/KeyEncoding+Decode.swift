import Arrow
import Base
import VolleyPlan

extension KeyEncoding {
  /// The columns of encoded keys.
  ///
  /// - Throws: a `data` failure when the bytes are no keys of these types.
  public static func decode(_ keys: EncodedKeys, types: [DataType]) throws(Failure) -> [Column] {
    let builders = types.map { ColumnBuilder($0, capacity: keys.count) }
    for row in 0..<keys.count { try decode(keys[row], types: types, into: builders) }
    return builders.map { $0.finish() }
  }

  /// Appends the values of one encoded key, one to each builder.
  ///
  /// - Throws: a `data` failure when the bytes are no key of these types; the builders are then as before.
  public static func decode(
    _ key: UnsafeRawBufferPointer, types: [DataType], into builders: [ColumnBuilder]
  ) throws(Failure) {
    precondition(types.count == builders.count, "a key has a builder for each column")
    let counts = builders.map(\.count)
    var reader = KeyReader(key)
    do {
      for (type, builder) in zip(types, builders) { try reader.read(type, into: builder) }
      try reader.end()
    } catch {
      for (builder, count) in zip(builders, counts) { builder.truncate(to: count) }
      throw error
    }
  }
}

/// Reads one encoded key from its start.
private struct KeyReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func read(_ type: DataType, into builder: ColumnBuilder) throws(Failure) {
    switch try readInteger(UInt8.self, type) {
    case KeyEncoding.null: builder.appendNull()
    case KeyEncoding.value: try readValue(type, into: builder)
    default: throw failure(type)
    }
  }

  func end() throws(Failure) {
    guard position == bytes.count else {
      throw Failure(
        .data,
        "an encoded key goes on for \(bytes.count - position) bytes after its last column; "
          + "the key's columns must be those it was written with")
    }
  }

  private mutating func readValue(_ type: DataType, into builder: ColumnBuilder) throws(Failure) {
    switch builder {
    case .bool(let builder):
      let byte = try readInteger(UInt8.self, type)
      guard byte <= 1 else { throw failure(type) }
      builder.append(byte == 1)
    case .int32(let builder):
      builder.append(Int32(bitPattern: try readInteger(UInt32.self, type) ^ (1 << 31)))
    case .int64(let builder):
      builder.append(Int64(bitPattern: try readInteger(UInt64.self, type) ^ (1 << 63)))
    case .float64(let builder):
      let bits = try readInteger(UInt64.self, type)
      builder.append(Double(bitPattern: bits >> 63 != 0 ? bits ^ (1 << 63) : ~bits))
    case .utf8(let builder): try readString(type, into: builder)
    default: preconditionFailure("\(type) is not a type of keys")
    }
  }

  private mutating func readString(_ type: DataType, into builder: Utf8Builder) throws(Failure) {
    var string: [UInt8] = []
    while true {
      let byte = try readInteger(UInt8.self, type)
      if byte == KeyEncoding.zero {
        let next = try readInteger(UInt8.self, type)
        if next == KeyEncoding.zero { break }
        guard next == KeyEncoding.escapedZero else { throw failure(type) }
      }
      string.append(byte)
    }
    string.withUnsafeBufferPointer { builder.append($0) }
  }

  private mutating func readInteger<Value: FixedWidthInteger & BitwiseCopyable>(
    _: Value.Type, _ type: DataType
  ) throws(Failure) -> Value {
    guard bytes.count - position >= MemoryLayout<Value>.size else { throw failure(type) }
    defer { position += MemoryLayout<Value>.size }
    return Value(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
  }

  private func failure(_ type: DataType) -> Failure {
    Failure(
      .data,
      "an encoded key of \(bytes.count) bytes holds no \(type) before byte \(position); "
        + "the key's columns must be those it was written with")
  }
}
