extension Decoder {
  /// The only key of an object that stands for one of several kinds, and the container to read it from.
  ///
  /// - Parameter what: the thing, with its article, for the message ("an expression").
  func soleKey<Kind: CodingKey & CaseIterable>(
    _: Kind.Type, of what: String
  ) throws -> (Kind, KeyedDecodingContainer<Kind>) {
    let container = try container(keyedBy: Kind.self)
    guard container.allKeys.count == 1, let kind = container.allKeys.first else {
      let known = Kind.allCases.map(\.stringValue).joined(separator: ", ")
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: codingPath,
          debugDescription: "\(what) has exactly one of the keys \(known), found \(container.allKeys.count)"))
    }
    return (kind, container)
  }

  /// Reads a type without fields.
  func expectEmptyObject() throws {
    _ = try container(keyedBy: NoKey.self)
  }
}

private enum NoKey: CodingKey {}
