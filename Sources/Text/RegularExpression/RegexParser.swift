import Base

/// Reads RE2's syntax (github.com/google/re2/wiki/Syntax): Perl's, without what needs backtracking.
struct RegexParser {
  struct Flags {
    var ignoresCase = false
    /// `.` takes line breaks.
    var dotAll = false
    /// `^` and `$` are about lines.
    var multiline = false
    /// Repetitions prefer few, and many with a `?`.
    var ungreedy = false
  }

  /// Groups in groups; the parser and the compiler go down as deep.
  static let maximumDepth = 250
  /// A counted repetition's bound, also of those in each other multiplied.
  static let maximumRepetitions = 1000

  let pattern: String
  let scalars: [Unicode.Scalar]
  var position = 0
  var flags = Flags()
  private var depth = 0
  /// Of the groups from 1 on.
  private(set) var captureNames: [String?] = []

  static func parse(
    _ pattern: String, ignoringCase: Bool
  ) throws(Failure) -> (node: RegexNode, captureNames: [String?]) {
    var parser = RegexParser(pattern, ignoringCase: ignoringCase)
    let node = try parser.choice()
    guard parser.position == parser.scalars.count else {
      throw parser.failure("there is a ) without its (; write \\) for a parenthesis")
    }
    return (node, parser.captureNames)
  }

  private init(_ pattern: String, ignoringCase: Bool) {
    self.pattern = pattern
    scalars = Array(pattern.unicodeScalars)
    flags.ignoresCase = ignoringCase
  }

  /// - Parameter position: where it is wrong; nil for where the parser stands.
  func failure(at position: Int? = nil, _ reason: String) -> Failure {
    Failure(.usage, "regular expression \"\(pattern)\", character \((position ?? self.position) + 1): \(reason)")
  }

  var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  /// Steps over `text` if it stands here.
  mutating func skip(_ text: String) -> Bool {
    var place = position
    for scalar in text.unicodeScalars {
      guard place < scalars.count, scalars[place] == scalar else { return false }
      place += 1
    }
    position = place
    return true
  }

  /// Alternatives, up to a closing parenthesis or the end.
  private mutating func choice() throws(Failure) -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw failure("groups nest deeper than \(Self.maximumDepth); write a flatter expression")
    }
    var alternatives = [try sequence()]
    while skip("|") { alternatives.append(try sequence()) }
    return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
  }

  private mutating func sequence() throws(Failure) -> RegexNode {
    var nodes: [RegexNode] = []
    while let next, next != "|", next != ")" {
      if skip("\\Q") {
        quoted(&nodes)
      } else if let atom = try atom() {
        nodes.append(atom)
      }
      // As in RE2, a repetition after what is no element, `(?i)` or an empty `\Q\E`, is about the element before.
      if let last = nodes.popLast() { nodes.append(try repeated(last)) }
    }
    return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
  }

  /// After `\Q`: everything up to `\E` or the end stands for itself. A repetition after it is about the last character.
  private mutating func quoted(_ nodes: inout [RegexNode]) {
    while let scalar = next, !skip("\\E") {
      nodes.append(character(scalar))
      position += 1
    }
  }

  /// One element; nil for one that only sets flags.
  private mutating func atom() throws(Failure) -> RegexNode? {
    guard let scalar = next else { return nil }
    switch scalar {
    case "(": return try group()
    case "[": return .set(try bracket())
    case ".":
      position += 1
      return .set(flags.dotAll ? .all : ScalarSet(0x0A).inverted)
    case "^":
      position += 1
      return .look(flags.multiline ? .lineStart : .textStart)
    case "$":
      position += 1
      return .look(flags.multiline ? .lineEnd : .textEnd)
    case "*", "+", "?": throw failure("\(scalar) has nothing to repeat; write \\\(scalar) for the character itself")
    case "{":
      if let (_, end) = try counts() {
        throw failure(
          "\(String(String.UnicodeScalarView(scalars[position..<end]))) has nothing to repeat; write \\{ for a brace")
      }
      position += 1
      return character(scalar)
    case "\\": return try escapedAtom()
    default:
      position += 1
      return character(scalar)
    }
  }

  /// A character that stands for itself, or for all its cases.
  func character(_ scalar: Unicode.Scalar) -> RegexNode { .set(cased(ScalarSet(scalar.value))) }

  func cased(_ set: ScalarSet) -> ScalarSet { flags.ignoresCase ? set.folded : set }

  /// A group; nil for one that only sets flags, which hold to the end of the group around it.
  private mutating func group() throws(Failure) -> RegexNode? {
    let start = position
    let outer = flags
    position += 1
    var index: Int?
    if skip("?") {
      if skip("P<") || (!ahead("<=") && !ahead("<!") && skip("<")) {
        captureNames.append(try groupName(start))
        index = captureNames.count
      } else if try !setFlags(start) {
        return nil
      }
    } else {
      captureNames.append(nil)
      index = captureNames.count
    }
    let node = try choice()
    guard skip(")") else { throw failure(at: start, "the ( has no ); write \\( for a parenthesis") }
    flags = outer
    return index.map { .capture($0, node) } ?? node
  }

  private func ahead(_ text: String) -> Bool {
    var copy = self
    return copy.skip(text)
  }

  private mutating func groupName(_ start: Int) throws(Failure) -> String {
    let first = position
    while let scalar = next, scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
      position += 1
    }
    let name = String(String.UnicodeScalarView(scalars[first..<position]))
    guard !name.isEmpty, skip(">") else {
      throw failure(at: start, "a group's name is letters, digits and underscores between < and >")
    }
    guard !captureNames.contains(name) else {
      throw failure(at: start, "there is a group named \(name) before this one; give each a name of its own")
    }
    return name
  }

  /// After `(?`: flags. False when they end with `)` and hold from here on; true when they end with `:` and a group
  /// follows.
  private mutating func setFlags(_ start: Int) throws(Failure) -> Bool {
    var (on, any) = (true, false)
    while let scalar = next {
      position += 1
      switch scalar {
      case "i": flags.ignoresCase = on
      case "m": flags.multiline = on
      case "s": flags.dotAll = on
      case "U": flags.ungreedy = on
      case "-" where on:
        (on, any) = (false, false)
        continue
      case ":" where on || any: return true
      case ")" where on || any: return false
      default:
        position -= 1
        throw unknownGroup(start)
      }
      any = true
    }
    throw failure(at: start, "the ( has no ); write \\( for a parenthesis")
  }

  private func unknownGroup(_ start: Int) -> Failure {
    let rest = String(String.UnicodeScalarView(scalars[start..<min(start + 4, scalars.count)]))
    let what =
      if rest.hasPrefix("(?=") || rest.hasPrefix("(?!") {
        "a lookahead, \(rest.prefix(3)), is not supported, because matching takes linear time; say what to match, and use groups"
      } else if rest.hasPrefix("(?<") {
        "a lookbehind, \(rest.prefix(4)), is not supported, because matching takes linear time; say what to match, and use groups"
      } else if rest.hasPrefix("(?P=") || rest.hasPrefix("(?P>") {
        "\(rest) refers back to a group, which is not supported, because matching takes linear time"
      } else if rest.hasPrefix("(?>") {
        "an atomic group, (?>, is not supported; write (?: for a group that is not captured"
      } else {
        "\(rest) is not known; groups begin with (, (?:, (?P<name>, (?<name> or flags of i, m, s, U such as (?i-s:"
      }
    return failure(at: start, what)
  }
}
