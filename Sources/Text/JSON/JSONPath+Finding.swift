/// A value within a JSON document, where it stands.
public struct JSONSlice: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case object, array, string, number, bool, null
  }

  public var kind: Kind
  /// Its bytes in the document, quotes of a string included.
  public var range: Range<Int>
}

extension JSONPath {
  /// The value that the path leads to. Nil when it leads to none, and for every text that is not JSON (RFC 8259) from its
  /// first to its last byte, whatever stands where the path leads, or that nests deeper than 500.
  ///
  /// Of members of one name in an object, the first counts, as in DuckDB.
  public func find(in text: TextBytes) -> JSONSlice? {
    var scanner = JSONScanner(text)
    var found = 0..<0
    scanner.skipSpace()
    guard value(&scanner, step: 0, depth: 0, &found) else { return nil }
    scanner.skipSpace()
    guard scanner.place == text.count, !found.isEmpty else { return nil }
    let kind: JSONSlice.Kind =
      switch text[found.lowerBound] {
      case UInt8(ascii: "{"): .object
      case UInt8(ascii: "["): .array
      case UInt8(ascii: "\""): .string
      case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
      case UInt8(ascii: "n"): .null
      default: .number
      }
    return JSONSlice(kind: kind, range: found)
  }

  /// Writes a value as text: a string without quotes and escapes, everything else as it stands in the document.
  ///
  /// - Parameter slice: what `find` gave for this text.
  public static func write(_ slice: JSONSlice, of text: TextBytes, into writer: inout TextWriter) {
    guard slice.kind == .string else {
      writer.append(text.slice(slice.range))
      return
    }
    unescape(text.slice((slice.range.lowerBound + 1)..<(slice.range.upperBound - 1)), into: &writer)
  }

  /// Writes the inside of a JSON string without its escapes.
  private static func unescape(_ text: TextBytes, into writer: inout TextWriter) {
    var scanner = JSONScanner(text)
    var start = 0
    let escape = SubstringSearcher.backslash
    while true {
      let next = escape.firstOffset(in: text, from: start)
      guard next >= 0 else { break }
      writer.append(text.slice(start..<next))
      scanner.place = next
      guard let scalar = scanner.unescape() else { preconditionFailure("a JSON string was not checked") }
      writer.append(scalar: scalar)
      start = scanner.place
    }
    writer.append(text.from(start))
  }

  /// Steps over a value and notes in `found` where the path's steps from `step` on lead in it.
  private func value(_ scanner: inout JSONScanner, step: Int, depth: Int, _ found: inout Range<Int>) -> Bool {
    if step == steps.count {
      let start = scanner.place
      guard scanner.skipValue(depth: depth) else { return false }
      found = start..<scanner.place
      return true
    }
    guard depth < JSONScanner.maximumDepth else { return false }
    switch (steps[step], scanner.next) {
    case (.member(let name), UInt8(ascii: "{")):
      var seen = false
      return scanner.forEachMember { scanner, range in
        guard !seen, Self.isName(range, in: scanner.text, name.bytes) else {
          return scanner.skipValue(depth: depth &+ 1)
        }
        seen = true
        return value(&scanner, step: step &+ 1, depth: depth &+ 1, &found)
      }
    case (.element(let wanted), UInt8(ascii: "[")):
      var index = wanted
      if index < 0 {
        // Counted first, in a copy that stays behind.
        var count = 0
        var counter = scanner
        guard
          counter.forEachElement({ scanner, _ in
            count &+= 1
            return scanner.skipValue(depth: depth &+ 1)
          })
        else { return false }
        index = count &+ index
      }
      return scanner.forEachElement { scanner, place in
        place == index
          ? value(&scanner, step: step &+ 1, depth: depth &+ 1, &found) : scanner.skipValue(depth: depth &+ 1)
      }
    default: return scanner.skipValue(depth: depth)
    }
  }

  /// Whether the inside of a JSON string says `name`.
  private static func isName(_ range: Range<Int>, in text: TextBytes, _ name: TextBytes) -> Bool {
    let written = text.slice(range)
    guard SubstringSearcher.backslash.firstOffset(in: written) >= 0 else {
      return written.count == name.count && written.holds(name, at: 0)
    }
    var scanner = JSONScanner(written)
    var place = 0
    while scanner.place < written.count {
      guard place < name.count else { return false }
      if scanner.next == UInt8(ascii: "\\") {
        let (scalar, width) = UTF8Text.decode(name, at: place)
        guard scanner.unescape() == scalar else { return false }
        place &+= width
      } else {
        guard scanner.next == name[place] else { return false }
        scanner.place &+= 1
        place &+= 1
      }
    }
    return place == name.count
  }
}

extension SubstringSearcher {
  fileprivate static let backslash = SubstringSearcher([UInt8(ascii: "\\")])
}
