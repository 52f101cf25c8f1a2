/// How common bytes are in text and data, roughly: what a searcher looks for should be rare.
enum ByteFrequency {
  /// The commonest first.
  private static let common: StaticString =
    " etaoinsrhl0dcu1m2pf.,gwy-3b4v/5_6987\"=:k;TASCI<>M()EPBRDNLFHOWGUxjqzVKYJXQZ"

  /// 0 for the rarest. Bytes above 0x7F come in between: texts that have them have many.
  static func rank(_ byte: UInt8) -> Int {
    if byte >= 0x80 { return byte < 0xC0 ? 40 : 50 }
    for index in 0..<common.utf8CodeUnitCount where common.utf8Start[index] == byte { return 100 - index }
    return byte == UInt8(ascii: "\n") ? 45 : 0
  }
}
