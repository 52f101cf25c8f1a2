/// Turns any `Encodable` into a `JSONValue`. Members stand in the order in which they were encoded.
public struct PlanEncoder: Sendable {
  public init() {}

  public func encode(_ value: some Encodable) throws(PlanError) -> JSONValue {
    do {
      let encoder = ValueEncoder(codingPath: [])
      try encoder.put(value)
      return encoder.slot.json
    } catch {
      throw PlanError(error)
    }
  }
}

/// What an encoder and its containers fill in together.
private final class Slot {
  enum Content {
    case empty
    case value(JSONValue)
    case object([(String, Slot)])
    case array([Slot])
  }

  var content = Content.empty

  init(_ content: Content = .empty) { self.content = content }

  var json: JSONValue {
    switch content {
    case .empty: .object([])
    case .value(let value): value
    case .object(let members): .object(members.map { .init($0.0, $0.1.json) })
    case .array(let elements): .array(elements.map(\.json))
    }
  }

  /// The slot of a member, made when it is not there.
  func member(_ name: String) -> Slot {
    let slot = Slot()
    if case .object(var members) = content {
      if let known = members.first(where: { $0.0 == name }) { return known.1 }
      content = .empty
      members.append((name, slot))
      content = .object(members)
    } else {
      content = .object([(name, slot)])
    }
    return slot
  }

  var count: Int {
    if case .array(let elements) = content { return elements.count }
    return 0
  }

  func append() -> Slot {
    let slot = Slot()
    if case .array(var elements) = content {
      content = .empty
      elements.append(slot)
      content = .array(elements)
    } else {
      content = .array([slot])
    }
    return slot
  }
}

private struct ValueEncoder: Encoder {
  let codingPath: [any CodingKey]
  /// Where the value goes.
  var slot = Slot()
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func put(_ value: some Encodable) throws {
    guard let scalar = value as? any JSONScalar else { return try value.encode(to: self) }
    guard let json = scalar.json else { throw PlanError("JSON cannot say \(value)", at: codingPath) }
    slot.content = .value(json)
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .object = slot.content {} else { slot.content = .object([]) }
    return KeyedEncodingContainer(MemberEncoder<Key>(codingPath: codingPath, slot: slot))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .array = slot.content {} else { slot.content = .array([]) }
    return ElementEncoder(codingPath: codingPath, slot: slot)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    SingleEncoder(codingPath: codingPath, slot: slot)
  }
}

private struct SingleEncoder: SingleValueEncodingContainer {
  let codingPath: [any CodingKey]
  let slot: Slot

  func encodeNil() throws { slot.content = .value(.null) }
  func encode<T: Encodable>(_ value: T) throws {
    try ValueEncoder(codingPath: codingPath, slot: slot).put(value)
  }
}

private struct MemberEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let codingPath: [any CodingKey]
  let slot: Slot

  private func child(_ key: any CodingKey) -> ValueEncoder {
    ValueEncoder(codingPath: codingPath + [key], slot: slot.member(key.stringValue))
  }

  func encodeNil(forKey key: Key) throws { slot.member(key.stringValue).content = .value(.null) }
  func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try child(key).put(value) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { child(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { child(key).unkeyedContainer() }
  func superEncoder() -> any Encoder {
    ValueEncoder(codingPath: codingPath, slot: slot.member("super"))
  }
  func superEncoder(forKey key: Key) -> any Encoder { child(key) }
}

private struct ElementEncoder: UnkeyedEncodingContainer {
  let codingPath: [any CodingKey]
  let slot: Slot
  var count: Int { slot.count }

  private func child() -> ValueEncoder {
    let index = slot.count
    return ValueEncoder(codingPath: codingPath + [IndexKey(index)], slot: slot.append())
  }

  func encodeNil() throws { slot.append().content = .value(.null) }
  func encode<T: Encodable>(_ value: T) throws { try child().put(value) }
  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    child().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }
  func superEncoder() -> any Encoder { child() }
}
