/// Why a line could not be decoded as a JSON object.
struct JSONIssue {
  enum Kind {
    case none
    /// What stands at `place` is not what the grammar wants there: `expected` says what.
    case unexpected
    case malformedNumber
    case badEscape
    case loneSurrogate
    case controlCharacter
    case tooDeep
    /// The value of `column` is of another type.
    case wrongType
    case outOfRange
    case notUTF8
    case null
    /// `column` has no value and must have one.
    case missing
  }

  var kind = Kind.none
  var expected: StaticString = ""
  var column = -1
  /// The part of the column's value that it is about, where that has a builder of its own.
  var value: Unmanaged<ValueBuilder>?
  var place = UnsafePointer<UInt8>(bitPattern: 1)!  // Any address that is not null; set with every kind but `none`.

  /// Notes an issue and returns nil, for a scanner to return.
  mutating func note(
    _ kind: Kind, _ place: UnsafePointer<UInt8>, expected: StaticString = ""
  ) -> UnsafePointer<UInt8>? {
    self.kind = kind
    self.place = place
    self.expected = expected
    return nil
  }
}
