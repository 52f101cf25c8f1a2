import Base

/// A pattern of SQL's LIKE, made ready for many rows: `%` is any text, `_` is one character, line breaks included, and
/// `\` makes the character after it stand for itself. The pattern is about the whole text.
///
/// Patterns without `_` become comparisons and searches for substrings; the others are matched piece by piece, each piece at
/// the first place where it fits, so that no text takes more than its length times the pattern's.
public final class LikePattern: Sendable {
  /// What a pattern asks for.
  public enum Shape: Sendable {
    /// The text is the bytes.
    case equals(SubstringSearcher)
    case hasPrefix(SubstringSearcher)
    case hasSuffix(SubstringSearcher)
    case contains(SubstringSearcher)
    /// Everything: `%`.
    case everything
    /// Anything else.
    case pieces
  }

  /// What the pattern asks for, for kernels that know a faster way over a whole column.
  public let shape: Shape
  /// Whether upper and lower case are the same; then `shape` is about texts folded by `UTF8Text.fold`.
  public let ignoresCase: Bool
  private let pieces: LikePieces

  /// - Parameters:
  ///   - pattern: UTF-8.
  ///   - ignoringCase: whether letters match in any case, by Unicode's simple case folding.
  public init(_ pattern: String, ignoringCase: Bool = false) throws(Failure) {
    pieces = try LikePieces(pattern, ignoringCase: ignoringCase)
    ignoresCase = ignoringCase
    shape = pieces.shape
  }

  /// Whether the text is as the pattern says. A pattern that ignores case wants the text folded.
  public func matches(_ text: TextBytes) -> Bool {
    switch shape {
    case .equals(let searcher): text.count == searcher.bytes.count && text.holds(searcher.bytes, at: 0)
    case .hasPrefix(let searcher): text.holds(searcher.bytes, at: 0)
    case .hasSuffix(let searcher):
      text.count >= searcher.bytes.count && text.holds(searcher.bytes, at: text.count &- searcher.bytes.count)
    case .contains(let searcher): searcher.firstOffset(in: text) >= 0
    case .everything: true
    case .pieces: pieces.matches(text)
    }
  }
}
