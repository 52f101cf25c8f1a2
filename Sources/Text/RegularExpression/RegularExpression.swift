import Base

/// A regular expression in RE2's syntax (github.com/google/re2/wiki/Syntax), made ready for many rows.
///
/// The match is RE2's: the first place where one begins, and there the one that Perl would take. A search takes time
/// linear in the text, whatever the expression, and bounded memory. `\d`, `\s`, `\w` and `\b` are about ASCII; `\p{…}`
/// knows general categories, in the standard library's version of Unicode, and scripts. Not supported, since no automaton
/// can do them in linear time: backreferences and lookaround. Different from RE2: two groups of one name are refused,
/// groups nest at most 250 deep, and `\B` does not match between the bytes of one character.
///
/// The value is read by all threads; what a search needs beside it is a `RegexMatcher`.
public final class RegularExpression: Sendable {
  public let pattern: String
  /// The names of the groups from 1 on; nil for one without.
  public let captureNames: [String?]
  /// Whether the text before any match is all that there is to it; then no automaton is needed.
  let literal: SubstringSearcher?
  /// What every match begins with.
  let prefix: SubstringSearcher?
  /// What is in every match.
  let required: SubstringSearcher?
  /// Whether a match begins at the start of the text only.
  let startsText: Bool
  /// Whether a match ends at the end of the text only and is best looked for from there: one pass that mostly ends after a
  /// few bytes. Not when its length has no bound but its beginning is known, which is found faster than bytes are read.
  let readsFromEnd: Bool
  let forward: RegexProgram
  let backward: RegexProgram
  /// With the places of groups; the forward one when there are none.
  let noting: RegexProgram
  private let idle = Monitor<[RegexMatcher]>([])

  /// - Parameters:
  ///   - pattern: what to match.
  ///   - ignoringCase: as if it began with `(?i)`.
  public init(_ pattern: String, ignoringCase: Bool = false) throws(Failure) {
    let (node, names) = try RegexParser.parse(pattern, ignoringCase: ignoringCase)
    guard let forward = RegexCompiler.compile(node), let backward = RegexCompiler.compile(node, reversed: true),
      let noting = names.isEmpty ? forward : RegexCompiler.compile(node, notes: true),
      PikeMachine.bytes(noting, slots: 2 * names.count + 2) <= PikeMachine.maximumBytes
    else {
      throw Failure(
        .usage,
        "regular expression \"\(pattern)\": its automaton takes more than \(RegexCompiler.maximumInstructions) steps or \(PikeMachine.maximumBytes >> 20) MiB; use smaller counts in {…} or fewer groups"
      )
    }
    let literals = RegexLiterals(node)
    self.pattern = pattern
    captureNames = names
    literal = literals.isWhole && names.isEmpty ? SubstringSearcher(literals.prefix) : nil
    prefix = literals.prefix.isEmpty ? nil : SubstringSearcher(literals.prefix)
    let endsSoon = literals.endsText && literals.isBounded  // Then the automaton knows before a search does.
    required =
      !endsSoon && literals.required.count > literals.prefix.count ? SubstringSearcher(literals.required) : nil
    startsText = literals.startsText
    readsFromEnd =
      literals.endsText && !literals.startsText && (literals.isBounded || literals.prefix.isEmpty)
    self.forward = forward
    self.backward = backward
    self.noting = noting
  }

  /// The number of the group of that name, from 1.
  public func captureIndex(_ name: String) -> Int? {
    captureNames.firstIndex { $0 == name }.map { $0 + 1 }
  }

  /// Lends a matcher that nobody else uses meanwhile: once for a batch, not for each row. Its automaton stays for the next.
  public func withMatcher<Result, E: Error>(_ body: (RegexMatcher) throws(E) -> Result) throws(E) -> Result {
    let matcher = idle.withLock { $0.popLast() } ?? RegexMatcher(self)
    defer { idle.withLock { $0.append(matcher) } }
    return try body(matcher)
  }
}
