import Base

/// What matches are replaced with, in RE2's form: `\1` to `\9` are groups, `\0` is the whole match, `\\` is a backslash.
public struct RegexTemplate: Sendable {
  enum Part: Sendable {
    case text(ConstantBytes)
    case group(Int)
  }

  let parts: [Part]
  /// Whether a group other than the whole match is asked for.
  let needsGroups: Bool

  /// - Parameter expression: whose groups the template names.
  public init(_ template: String, for expression: RegularExpression) throws(Failure) {
    var parts: [Part] = []
    var literal: [UInt8] = []
    var escaped = false
    for byte in template.utf8 {
      if !escaped {
        if byte == UInt8(ascii: "\\") { escaped = true } else { literal.append(byte) }
        continue
      }
      escaped = false
      if byte == UInt8(ascii: "\\") {
        literal.append(byte)
        continue
      }
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw Self.wrongEscape(template) }
      let group = Int(byte - UInt8(ascii: "0"))
      guard group <= expression.captureNames.count else {
        throw Failure(
          .usage,
          "the replacement \"\(template)\" asks for group \(group), and the expression \"\(expression.pattern)\" has \(expression.captureNames.count); number groups from 1, by their opening parentheses"
        )
      }
      if !literal.isEmpty { parts.append(.text(ConstantBytes(literal))) }
      literal = []
      parts.append(.group(group))
    }
    guard !escaped else { throw Self.wrongEscape(template) }
    if !literal.isEmpty { parts.append(.text(ConstantBytes(literal))) }
    self.parts = parts
    needsGroups = parts.contains { part in
      if case .group(let group) = part { group > 0 } else { false }
    }
  }

  private static func wrongEscape(_ template: String) -> Failure {
    Failure(
      .usage,
      "the replacement \"\(template)\" has a backslash before something else than a digit or a backslash; write \\0 to \\9 for groups and two for a backslash"
    )
  }
}
