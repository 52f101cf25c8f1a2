/// Reads any `Decodable` from a `JSONValue`, strictly: a field that the type does not know is refused by name, and so are
/// missing fields and wrong types. An optional field may be absent or null.
public struct PlanDecoder: Sendable {
  /// One field as a type asked for it.
  struct Request: Sendable {
    /// The type whose `init(from:)` asks.
    var owner: String
    var field: String
    var type: String
    var optional: Bool
  }

  /// Told of every field that is asked for: how the plan's schema is listed.
  var observe: (@Sendable (Request) -> Void)?

  public init() {}

  public func decode<T: Decodable>(_ type: T.Type, from value: JSONValue) throws(PlanError) -> T {
    do {
      return try ValueDecoder(value: value, codingPath: [], owner: "", options: self).unbox(type)
    } catch {
      throw PlanError(error)
    }
  }
}

/// The decoder of one value.
struct ValueDecoder: Decoder {
  let value: JSONValue
  let codingPath: [any CodingKey]
  /// The type that reads this value.
  let owner: String
  let options: PlanDecoder
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func unbox<T: Decodable>(_ type: T.Type) throws -> T {
    if let scalar = type as? any JSONScalar.Type {
      guard let result = scalar.init(json: value) as? T else { throw mismatch(scalar.jsonName) }
      return result
    }
    if case .string(let text) = value, let choices = type as? any CaseIterable.Type {
      let known = choices.rawTexts
      if !known.isEmpty && !known.contains(text) {
        throw PlanError("unknown value '\(text)'; known are \(known.joined(separator: ", "))", at: codingPath)
      }
    }
    return try T(from: ValueDecoder(value: value, codingPath: codingPath, owner: "\(type)", options: options))
  }

  func mismatch(_ expected: String) -> PlanError {
    PlanError("expected \(expected), found \(value.kindName)", at: codingPath)
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .object(let members) = value else { throw mismatch("an object") }
    for member in members where Key(stringValue: member.name) == nil {
      let known = ((type as? any CaseIterable.Type)?.keyTexts ?? []).joined(separator: ", ")
      throw PlanError(
        "unknown field '\(member.name)'" + (known.isEmpty ? "" : "; known are \(known)"), at: codingPath)
    }
    return KeyedDecodingContainer(MemberContainer<Key>(decoder: self, members: members))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .array(let elements) = value else { throw mismatch("an array") }
    return ElementContainer(decoder: self, elements: elements)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  /// A decoder for what stands at `key` below this value.
  func child(_ value: JSONValue, _ key: any CodingKey) -> ValueDecoder {
    ValueDecoder(value: value, codingPath: codingPath + [key], owner: owner, options: options)
  }
}

extension ValueDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool { value == .null }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try unbox(type) }
}

private struct MemberContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: ValueDecoder
  let members: [JSONValue.Member]
  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { members.compactMap { Key(stringValue: $0.name) } }

  private func find(_ key: Key) -> JSONValue? { members.first { $0.name == key.stringValue }?.value }

  private func child(_ key: Key) throws -> ValueDecoder {
    guard let value = find(key) else { throw PlanError("missing field '\(key.stringValue)'", at: codingPath) }
    return decoder.child(value, key)
  }

  private func report<T>(_ key: Key, _ type: T.Type, optional: Bool) {
    decoder.options.observe?(
      .init(owner: decoder.owner, field: key.stringValue, type: "\(type)", optional: optional))
  }

  func contains(_ key: Key) -> Bool { find(key) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try child(key).decodeNil() }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    report(key, type, optional: false)
    return try child(key).unbox(type)
  }

  // The protocol's own versions of these would ask as if the field were not optional.
  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try optional(type, key) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try optional(type, key) }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try optional(type, key) }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try optional(type, key) }
  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try optional(type, key) }
  func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? { try optional(type, key) }

  private func optional<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T? {
    report(key, type, optional: true)
    guard let value = find(key), value != .null else { return nil }
    return try decoder.child(value, key).unbox(type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { try child(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try child(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder {
    guard let key = Key(stringValue: "super") else { throw PlanError("missing field 'super'", at: codingPath) }
    return try child(key)
  }

  func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
}

private struct ElementContainer: UnkeyedDecodingContainer {
  let decoder: ValueDecoder
  let elements: [JSONValue]
  var currentIndex = 0
  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex == elements.count }

  private func child() throws -> ValueDecoder {
    guard !isAtEnd else { throw PlanError("expected more than \(elements.count) elements", at: codingPath) }
    return decoder.child(elements[currentIndex], IndexKey(currentIndex))
  }

  mutating func decodeNil() throws -> Bool {
    guard try child().decodeNil() else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let result = try child().unbox(type)
    currentIndex += 1
    return result
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let container = try child().container(keyedBy: type)
    currentIndex += 1
    return container
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let container = try child().unkeyedContainer()
    currentIndex += 1
    return container
  }

  mutating func superDecoder() throws -> any Decoder {
    let decoder = try child()
    currentIndex += 1
    return decoder
  }
}

extension CaseIterable {
  /// The names of an enum of coding keys.
  fileprivate static var keyTexts: [String] { allCases.compactMap { ($0 as? any CodingKey)?.stringValue } }

  /// The raw values of an enum of strings.
  fileprivate static var rawTexts: [String] {
    allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
  }
}
