/// Serves every row of a cursor, which outlives it.
struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let cursor: UnsafeMutablePointer<RowCursorState>
  var codingPath: [any CodingKey] { [] }
  private var names: [String] { (0..<cursor.pointee.count).map { cursor.pointee.slots[$0].name } }
  var allKeys: [Key] { names.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { names.contains(key.stringValue) }
  func decodeNil(forKey key: Key) throws -> Bool { try !cursor.pointee.isPresent(key.stringValue) }

  func decode(_: Bool.Type, forKey key: Key) throws -> Bool { try cursor.pointee.bit(key.stringValue) }
  func decode(_: String.Type, forKey key: Key) throws -> String { try cursor.pointee.text(key.stringValue) }
  func decode(_: Double.Type, forKey key: Key) throws -> Double {
    try cursor.pointee.value(key.stringValue, .double, Double.self)
  }
  func decode(_: Float.Type, forKey key: Key) throws -> Float {
    try cursor.pointee.value(key.stringValue, .float, Float.self)
  }
  func decode(_: Int8.Type, forKey key: Key) throws -> Int8 {
    try cursor.pointee.value(key.stringValue, .int8, Int8.self)
  }
  func decode(_: Int16.Type, forKey key: Key) throws -> Int16 {
    try cursor.pointee.value(key.stringValue, .int16, Int16.self)
  }
  func decode(_: Int32.Type, forKey key: Key) throws -> Int32 {
    try cursor.pointee.value(key.stringValue, .int32, Int32.self)
  }
  func decode(_: Int64.Type, forKey key: Key) throws -> Int64 {
    try cursor.pointee.value(key.stringValue, .int64, Int64.self)
  }
  func decode(_: Int.Type, forKey key: Key) throws -> Int {
    try cursor.pointee.value(key.stringValue, .int64, Int.self)
  }
  func decode(_: UInt8.Type, forKey key: Key) throws -> UInt8 {
    try cursor.pointee.value(key.stringValue, .uint8, UInt8.self)
  }
  func decode(_: UInt16.Type, forKey key: Key) throws -> UInt16 {
    try cursor.pointee.value(key.stringValue, .uint16, UInt16.self)
  }
  func decode(_: UInt32.Type, forKey key: Key) throws -> UInt32 {
    try cursor.pointee.value(key.stringValue, .uint32, UInt32.self)
  }
  func decode(_: UInt64.Type, forKey key: Key) throws -> UInt64 {
    try cursor.pointee.value(key.stringValue, .uint64, UInt64.self)
  }
  func decode(_: UInt.Type, forKey key: Key) throws -> UInt {
    try cursor.pointee.value(key.stringValue, .uint64, UInt.self)
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    if type == Timestamp.self, let value = try cursor.pointee.value(key.stringValue, .timestamp, Timestamp.self) as? T {
      return value
    }
    if let value = try other(type, key), let value = value as? T { return value }
    // An optional field that a row type decodes by hand.
    if let optional = type as? any OptionalRowValue.Type {
      let present = try cursor.pointee.isPresent(key.stringValue)
      if let value = (present ? try optional.present(in: self, key) : optional.absent) as? T { return value }
    }
    throw VolleyError(
      "field '\(key.stringValue)' of row type \(cursor.pointee.owner) is a \(type), which no column holds")
  }

  /// A value of the types that `Codable` has no overload for, nil for any other type.
  private func other(_ type: Any.Type, _ key: Key) throws -> Any? {
    if type == CalendarDate.self { return try cursor.pointee.value(key.stringValue, .date, CalendarDate.self) }
    if type == [UInt8].self { return Array(try cursor.pointee.bytes(key.stringValue, .bytes)) }
    if type == Duration.self {
      return Duration.microseconds(try cursor.pointee.value(key.stringValue, .duration, Int64.self))
    }
    if type == Float16.self { return try cursor.pointee.value(key.stringValue, .half, Float16.self) }
    return nil
  }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }
  func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }

  /// Whether the field is null; then the one after it is probably asked for next.
  private func skipNull(_ key: Key) throws -> Bool {
    if try cursor.pointee.isPresent(key.stringValue) { return false }
    cursor.pointee.next += 1
    return true
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  { throw cursor.pointee.notAStruct }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw cursor.pointee.notAStruct
  }
  func superDecoder() throws -> any Decoder { throw cursor.pointee.notAStruct }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw cursor.pointee.notAStruct }
}

private protocol OptionalRowValue {
  static var absent: Any { get }
  static func present<Key: CodingKey>(in container: RowContainer<Key>, _ key: Key) throws -> Any
}

extension Optional: OptionalRowValue where Wrapped: Decodable {
  static var absent: Any { Wrapped?.none as Any }

  /// Chooses the overload by the type.
  static func present<Key: CodingKey>(in container: RowContainer<Key>, _ key: Key) throws -> Any {
    let value: Any =
      switch Wrapped.self {
      case is Bool.Type: try container.decode(Bool.self, forKey: key)
      case is String.Type: try container.decode(String.self, forKey: key)
      case is Double.Type: try container.decode(Double.self, forKey: key)
      case is Float.Type: try container.decode(Float.self, forKey: key)
      case is Int8.Type: try container.decode(Int8.self, forKey: key)
      case is Int16.Type: try container.decode(Int16.self, forKey: key)
      case is Int32.Type: try container.decode(Int32.self, forKey: key)
      case is Int64.Type: try container.decode(Int64.self, forKey: key)
      case is Int.Type: try container.decode(Int.self, forKey: key)
      case is UInt8.Type: try container.decode(UInt8.self, forKey: key)
      case is UInt16.Type: try container.decode(UInt16.self, forKey: key)
      case is UInt32.Type: try container.decode(UInt32.self, forKey: key)
      case is UInt64.Type: try container.decode(UInt64.self, forKey: key)
      case is UInt.Type: try container.decode(UInt.self, forKey: key)
      default: try container.decode(Wrapped.self, forKey: key)
      }
    return value as? Wrapped as Any
  }
}
