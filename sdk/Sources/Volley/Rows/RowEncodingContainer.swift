/// Serves every row of a target, which outlives it.
struct RowEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let target: UnsafeMutablePointer<RowTargetState>
  var codingPath: [any CodingKey] { [] }

  func encodeNil(forKey key: Key) throws { try target.pointee.putNull(key.stringValue) }
  func encode(_ value: Bool, forKey key: Key) throws { try target.pointee.put(key.stringValue, value) }
  func encode(_ value: String, forKey key: Key) throws { try target.pointee.put(key.stringValue, value) }
  func encode(_ value: Double, forKey key: Key) throws { try target.pointee.put(key.stringValue, .double, value) }
  func encode(_ value: Float, forKey key: Key) throws { try target.pointee.put(key.stringValue, .float, value) }
  func encode(_ value: Int8, forKey key: Key) throws { try target.pointee.put(key.stringValue, .int8, value) }
  func encode(_ value: Int16, forKey key: Key) throws { try target.pointee.put(key.stringValue, .int16, value) }
  func encode(_ value: Int32, forKey key: Key) throws { try target.pointee.put(key.stringValue, .int32, value) }
  func encode(_ value: Int64, forKey key: Key) throws { try target.pointee.put(key.stringValue, .int64, value) }
  func encode(_ value: Int, forKey key: Key) throws { try target.pointee.put(key.stringValue, .int64, value) }
  func encode(_ value: UInt8, forKey key: Key) throws { try target.pointee.put(key.stringValue, .uint8, value) }
  func encode(_ value: UInt16, forKey key: Key) throws { try target.pointee.put(key.stringValue, .uint16, value) }
  func encode(_ value: UInt32, forKey key: Key) throws { try target.pointee.put(key.stringValue, .uint32, value) }
  func encode(_ value: UInt64, forKey key: Key) throws { try target.pointee.put(key.stringValue, .uint64, value) }
  func encode(_ value: UInt, forKey key: Key) throws { try target.pointee.put(key.stringValue, .uint64, value) }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    switch value {
    case let value as Timestamp: try target.pointee.put(key.stringValue, .timestamp, value)
    case let value as CalendarDate: try target.pointee.put(key.stringValue, .date, value)
    case let value as [UInt8]: try target.pointee.put(key.stringValue, value)
    case let value as Duration: try target.pointee.put(key.stringValue, value)
    case let value as Float16: try target.pointee.put(key.stringValue, .half, value)
    case let value as any OptionalRowEncodable: try value.encodeField(in: self, key)
    default:
      throw VolleyError(
        "field '\(key.stringValue)' of row type \(target.pointee.owner) is a \(T.self), which no column holds")
    }
  }

  private var error: VolleyError { target.pointee.notAStruct }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { KeyedEncodingContainer(RefusingKeyed(error: error)) }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { RefusingContainer(error: error) }
  func superEncoder() -> any Encoder { RefusingEncoder(error: error) }
  func superEncoder(forKey key: Key) -> any Encoder { RefusingEncoder(error: error) }
}

private protocol OptionalRowEncodable {
  func encodeField<Key: CodingKey>(in container: RowEncodingContainer<Key>, _ key: Key) throws
}

extension Optional: OptionalRowEncodable where Wrapped: Encodable {
  func encodeField<Key: CodingKey>(in container: RowEncodingContainer<Key>, _ key: Key) throws {
    if let self { try container.encodeAny(self, key) } else { try container.encodeNil(forKey: key) }
  }
}

extension RowEncodingContainer {
  /// Chooses the overload by the value's type.
  func encodeAny(_ value: some Encodable, _ key: Key) throws {
    switch value {
    case let value as Bool: try encode(value, forKey: key)
    case let value as String: try encode(value, forKey: key)
    case let value as Double: try encode(value, forKey: key)
    case let value as Float: try encode(value, forKey: key)
    case let value as Int8: try encode(value, forKey: key)
    case let value as Int16: try encode(value, forKey: key)
    case let value as Int32: try encode(value, forKey: key)
    case let value as Int64: try encode(value, forKey: key)
    case let value as Int: try encode(value, forKey: key)
    case let value as UInt8: try encode(value, forKey: key)
    case let value as UInt16: try encode(value, forKey: key)
    case let value as UInt32: try encode(value, forKey: key)
    case let value as UInt64: try encode(value, forKey: key)
    case let value as UInt: try encode(value, forKey: key)
    default: try encode(value, forKey: key)
    }
  }
}
