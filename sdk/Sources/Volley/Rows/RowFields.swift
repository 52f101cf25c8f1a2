import VolleyPlan

/// What a row type is: a struct with named fields of the types that columns have, which the compiler makes `Codable`.
public typealias RowValue = Codable & SendableMetatype

/// A field of a row type.
struct RowField: Sendable, Hashable {
  var field: Field
  var kind: RowKind
}

/// How a field's values are read and written.
@usableFromInline
enum RowKind: Sendable, Hashable {
  case bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, half, float, double, text, bytes, date, timestamp
  case duration

  init?(_ type: DataType) {
    switch type {
    case .bool: self = .bool
    case .int8: self = .int8
    case .int16: self = .int16
    case .int32: self = .int32
    case .int64: self = .int64
    case .uint8: self = .uint8
    case .uint16: self = .uint16
    case .uint32: self = .uint32
    case .uint64: self = .uint64
    case .float16: self = .half
    case .float32: self = .float
    case .float64: self = .double
    case .utf8: self = .text
    case .binary: self = .bytes
    case .date32: self = .date
    case .timestamp(.microsecond, nil): self = .timestamp
    case .duration(.microsecond): self = .duration
    default: return nil
    }
  }
}

enum RowFields {
  /// The fields of a row type, in the order in which it decodes them.
  ///
  /// A decoder that answers every question with a sample value records the questions. That tells names, types and which
  /// fields are optional, without an instance and without reflection.
  static func of<Row: Decodable>(_ type: Row.Type) throws(VolleyError) -> [RowField] {
    let probe = RowProbe(owner: "\(type)")
    do {
      _ = try Row(from: probe)
    } catch let error as VolleyError {
      throw error
    } catch {
      throw VolleyError("row type \(type) cannot say which fields it has: \(error)")
    }
    guard !probe.fields.isEmpty else {
      throw VolleyError("row type \(type) has no fields: a row is a struct with named fields")
    }
    return probe.fields
  }
}

/// The decoder that records.
private final class RowProbe: Decoder {
  let owner: String
  var fields: [RowField] = []
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(owner: String) { self.owner = owner }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(ProbeContainer(probe: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notAStruct }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw notAStruct }

  var notAStruct: VolleyError { VolleyError("row type \(owner) is not a struct with named fields") }

  func record<Key: CodingKey>(_ key: Key, _ type: DataType, optional: Bool) throws {
    guard let kind = RowKind(type) else { throw notAStruct }
    if !fields.contains(where: { $0.field.name == key.stringValue }) {
      fields.append(RowField(field: Field(key.stringValue, type, nullable: optional), kind: kind))
    }
  }
}

private struct ProbeContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let probe: RowProbe
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { [] }

  func contains(_ key: Key) -> Bool { true }
  func decodeNil(forKey key: Key) -> Bool { false }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    if let sample = type as? any RowSample.Type {
      try probe.record(key, sample.dataType, optional: false)
      if let value = sample.sample as? T { return value }
    }
    if let optional = type as? any OptionalSample.Type, let wrapped = optional.wrapped {
      try probe.record(key, wrapped.dataType, optional: true)
      if let value = optional.none as? T { return value }
    }
    throw unsupported(key, type)
  }

  // The protocol's own versions of these would ask as if the field were not optional.
  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try optional(type, key) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try optional(type, key) }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try optional(type, key) }
  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try optional(type, key) }
  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try optional(type, key) }
  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try optional(type, key) }
  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try optional(type, key) }
  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try optional(type, key) }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try optional(type, key) }
  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try optional(type, key) }
  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try optional(type, key) }
  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try optional(type, key) }
  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try optional(type, key) }
  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try optional(type, key) }
  // Without these, the protocol's own versions would refuse the field without its name.
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { throw unsupported(key, type) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { throw unsupported(key, type) }
  func decodeIfPresent(_ type: Int128.Type, forKey key: Key) throws -> Int128? { throw unsupported(key, type) }
  func decodeIfPresent(_ type: UInt128.Type, forKey key: Key) throws -> UInt128? { throw unsupported(key, type) }
  func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? { try optional(type, key) }

  private func optional<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T? {
    guard let sample = type as? any RowSample.Type else { throw unsupported(key, type) }
    try probe.record(key, sample.dataType, optional: true)
    return nil
  }

  private func unsupported(_ key: Key, _ type: Any.Type) -> VolleyError {
    VolleyError(
      "field '\(key.stringValue)' of row type \(probe.owner) is a \(type): a field is a Bool, an integer of 8 to 64 "
        + "bits, a Float16, Float, Double, String, [UInt8], CalendarDate, Timestamp or Duration, or an optional one")
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  { throw unsupported(key, type) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw unsupported(key, [Any].self)
  }
  func superDecoder() throws -> any Decoder { throw probe.notAStruct }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw probe.notAStruct }
}

/// A field type, with a value to answer a probe with.
private protocol RowSample: ColumnValue { static var sample: Self { get } }
extension Bool: RowSample { fileprivate static var sample: Bool { false } }
extension Int8: RowSample { fileprivate static var sample: Int8 { 0 } }
extension Int16: RowSample { fileprivate static var sample: Int16 { 0 } }
extension Int32: RowSample { fileprivate static var sample: Int32 { 0 } }
extension Int64: RowSample { fileprivate static var sample: Int64 { 0 } }
extension Int: RowSample { fileprivate static var sample: Int { 0 } }
extension UInt8: RowSample { fileprivate static var sample: UInt8 { 0 } }
extension UInt16: RowSample { fileprivate static var sample: UInt16 { 0 } }
extension UInt32: RowSample { fileprivate static var sample: UInt32 { 0 } }
extension UInt64: RowSample { fileprivate static var sample: UInt64 { 0 } }
extension UInt: RowSample { fileprivate static var sample: UInt { 0 } }
extension Float16: RowSample { fileprivate static var sample: Float16 { 0 } }
extension Float: RowSample { fileprivate static var sample: Float { 0 } }
extension Double: RowSample { fileprivate static var sample: Double { 0 } }
extension String: RowSample { fileprivate static var sample: String { "" } }
extension Array: RowSample where Element == UInt8 { fileprivate static var sample: [UInt8] { [] } }
extension CalendarDate: RowSample { fileprivate static var sample: CalendarDate { CalendarDate(daysSinceEpoch: 0) } }
extension Timestamp: RowSample { fileprivate static var sample: Timestamp { Timestamp(microseconds: 0) } }
extension Duration: RowSample { fileprivate static var sample: Duration { .zero } }

private protocol OptionalSample {
  static var wrapped: (any RowSample.Type)? { get }
  static var none: Self { get }
}
extension Optional: OptionalSample {
  fileprivate static var wrapped: (any RowSample.Type)? { Wrapped.self as? any RowSample.Type }
}
