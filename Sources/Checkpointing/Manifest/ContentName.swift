import Keys

/// What a file of a checkpoint is kept under: the 128 bits of XXH3 over its bytes, in 32 digits, so that its name is
/// its checksum.
public struct ContentName: Sendable, Hashable {
  public let text: String

  public init(_ digest: XXH3Digest) { text = digest.text }

  /// Nil for a text of another form.
  public init?(_ text: String) {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
      return nil
    }
    self.text = text
  }
}

extension ContentName: Codable {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let name = ContentName(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected 32 hexadecimal digits, found '\(text)'"))
    }
    self = name
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
