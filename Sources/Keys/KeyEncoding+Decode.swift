import Arrow
import Base
import VolleyPlan

extension KeyEncoding {
  /// The columns of encoded keys, each of its type: a dictionary, or text in another layout, is made again.
  ///
  /// - Throws: a `data` failure when the bytes are no keys of these types, or a dictionary's indices do not count all
  ///   the values of its column.
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
      for builder in builders { try builder.checkRoom() }
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
    case .int8(let builder): builder.append(Int8(bitPattern: try readInteger(UInt8.self, type) ^ (1 << 7)))
    case .int16(let builder): builder.append(Int16(bitPattern: try readInteger(UInt16.self, type) ^ (1 << 15)))
    case .int32(let builder): builder.append(Int32(bitPattern: try readInteger(UInt32.self, type) ^ (1 << 31)))
    case .int64(let builder): builder.append(Int64(bitPattern: try readInteger(UInt64.self, type) ^ (1 << 63)))
    case .int128(let builder): builder.append(Int128(bitPattern: try readInteger(UInt128.self, type) ^ (1 << 127)))
    case .uint8(let builder): builder.append(try readInteger(UInt8.self, type))
    case .uint16(let builder): builder.append(try readInteger(UInt16.self, type))
    case .uint32(let builder): builder.append(try readInteger(UInt32.self, type))
    case .uint64(let builder): builder.append(try readInteger(UInt64.self, type))
    case .float16(let builder): builder.append(Float16(bitPattern: try readOrdered(UInt16.self, type)))
    case .float32(let builder): builder.append(Float(bitPattern: try readOrdered(UInt32.self, type)))
    case .float64(let builder): builder.append(Double(bitPattern: try readOrdered(UInt64.self, type)))
    case .utf8(let builder):
      try readString(type).withUnsafeBufferPointer { builder.append($0) }
    case .other(let builder): try readOther(type, into: builder)
    }
  }

  private mutating func readOther(_ type: DataType, into builder: any RowBuilder) throws(Failure) {
    switch builder {
    case let builder as LargeBytesBuilder: try readString(type).withUnsafeBufferPointer { builder.append($0) }
    case let builder as ViewBuilder: try readString(type).withUnsafeBufferPointer { builder.append($0) }
    case let builder as FixedBytesBuilder:
      guard bytes.count - position >= builder.width else { throw failure(type) }
      let value = UnsafeRawBufferPointer(rebasing: bytes[position..<(position + builder.width)])
      value.withMemoryRebound(to: UInt8.self) { builder.append($0) }
      position += builder.width
    case let builder as DictionaryBuilder:
      guard case .dictionary(_, let valueType, _) = type else { preconditionFailure("a \(type) has no dictionary") }
      let value = ColumnBuilder(valueType)
      try readValue(valueType, into: value)
      builder.append(value.finish().literal(at: 0))
    case is NullBuilder: throw failure(type)
    default: preconditionFailure("\(type) is not a type of keys")
    }
  }

  /// The bits of a float.
  private mutating func readOrdered<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _: Bits.Type, _ type: DataType
  ) throws(Failure) -> Bits {
    let bits = try readInteger(Bits.self, type)
    let sign: Bits = 1 << Bits(Bits.bitWidth - 1)
    return bits & sign != 0 ? bits ^ sign : ~bits
  }

  private mutating func readString(_ type: DataType) throws(Failure) -> [UInt8] {
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
    return string
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
