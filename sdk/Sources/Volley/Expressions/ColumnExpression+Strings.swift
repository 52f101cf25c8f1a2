// Functions over texts. A character is a Unicode scalar; places and lengths are in characters, places from 0. A null operand
// makes the result null, but where it is said otherwise. What is not a text becomes one where a text is wanted.

extension ColumnExpression {
  /// How many characters the text has.
  public var characterCount: ColumnExpression { .call("char_length", [self]) }

  /// How many bytes the text has in UTF-8.
  public var byteCount: ColumnExpression { .call("byte_length", [self]) }

  /// In upper case, one character for one: "ß" becomes "ẞ".
  public func uppercased() -> ColumnExpression { .call("upper", [self]) }

  /// In lower case, one character for one.
  public func lowercased() -> ColumnExpression { .call("lower", [self]) }

  /// With the first letter of each word in upper case and the others in lower case.
  public func capitalized() -> ColumnExpression { .call("initcap", [self]) }

  /// From the last character to the first.
  public func reversed() -> ColumnExpression { .call("reverse", [self]) }

  /// The number of the first character, 0 for an empty text.
  public var firstCodePoint: ColumnExpression { .call("ascii", [self]) }

  /// The character of this number; a number of none stops the job.
  public var character: ColumnExpression { .call("chr", [self]) }
}

// Parts.
extension ColumnExpression {
  /// The characters from place `start` on, at most `length` of them; a negative start counts from the end.
  public func substring(from start: ColumnExpression, length: ColumnExpression? = nil) -> ColumnExpression {
    .call("substring", [self, start] + (length.map { [$0] } ?? []))
  }

  /// The first characters; of a negative number, all but so many at the end.
  public func prefix(_ characters: ColumnExpression) -> ColumnExpression { .call("left", [self, characters]) }

  /// The last characters; of a negative number, all but so many at the start.
  public func suffix(_ characters: ColumnExpression) -> ColumnExpression { .call("right", [self, characters]) }

  /// One part between separators: 1 is the first, -1 the last; empty where there is no such part.
  public func splitPart(_ separator: String, _ part: ColumnExpression) -> ColumnExpression {
    .call("split_part", [self, lit(separator), part])
  }

  /// Without white space at both ends, or without these characters.
  public func trimmed(_ characters: String? = nil) -> ColumnExpression { trimmed("trim", characters) }

  /// Without white space at the start, or without these characters.
  public func trimmedStart(_ characters: String? = nil) -> ColumnExpression { trimmed("ltrim", characters) }

  /// Without white space at the end, or without these characters.
  public func trimmedEnd(_ characters: String? = nil) -> ColumnExpression { trimmed("rtrim", characters) }

  private func trimmed(_ function: String, _ characters: String?) -> ColumnExpression {
    .call(function, [self] + (characters.map { [lit($0)] } ?? []))
  }

  /// The first place of `part` in characters from 0, -1 where it is not.
  public func position(of part: ColumnExpression) -> ColumnExpression { .call("position", [self, part]) }
}

// Longer and other texts.
extension ColumnExpression {
  /// This text with spaces, or `fill` over and over, in front until it has `width` characters; a longer one stays as it is.
  public func padded(startTo width: ColumnExpression, with fill: ColumnExpression = " ") -> ColumnExpression {
    .call("lpad", [self, width, fill])
  }

  /// As `padded(startTo:with:)`, at the end.
  public func padded(endTo width: ColumnExpression, with fill: ColumnExpression = " ") -> ColumnExpression {
    .call("rpad", [self, width, fill])
  }

  /// So many times, not at all for 0 and below.
  public func repeated(_ count: ColumnExpression) -> ColumnExpression { .call("repeat", [self, count]) }

  /// With all places of `part` replaced.
  public func replacing(_ part: String, with replacement: ColumnExpression) -> ColumnExpression {
    .call("replace", [self, lit(part), replacement])
  }
}

/// The texts one behind the other; null where one of them is.
public func concat(_ texts: ColumnExpression...) -> ColumnExpression { .call("concat", texts) }

/// The texts that are not null, with a separator between them.
public func concat(separator: ColumnExpression, _ texts: ColumnExpression...) -> ColumnExpression {
  .call("concat_ws", [separator] + texts)
}

// Patterns.
extension ColumnExpression {
  /// Whether the whole text is like a pattern of SQL: `%` is any text, `_` one character, `\` makes what follows stand for
  /// itself.
  ///
  /// - Parameter ignoringCase: whether letters match in any case.
  public func like(_ pattern: String, ignoringCase: Bool = false) -> ColumnExpression {
    .call(ignoringCase ? "ilike" : "like", [self, lit(pattern)])
  }

  /// Whether the text is not like the pattern.
  public func notLike(_ pattern: String, ignoringCase: Bool = false) -> ColumnExpression {
    .call(ignoringCase ? "not_ilike" : "not_like", [self, lit(pattern)])
  }

  public func hasPrefix(_ part: ColumnExpression) -> ColumnExpression { .call("starts_with", [self, part]) }

  public func hasSuffix(_ part: ColumnExpression) -> ColumnExpression { .call("ends_with", [self, part]) }

  public func contains(_ part: ColumnExpression) -> ColumnExpression { .call("contains", [self, part]) }

  /// Whether a regular expression in RE2's syntax matches anywhere in the text. Options such as `(?i)` stand in it. A search
  /// takes time linear in the text; backreferences and lookaround are not supported.
  public func matches(regex: String) -> ColumnExpression { .call("regex_matches", [self, lit(regex)]) }

  /// How many matches of a regular expression there are, none within another.
  public func matchCount(regex: String) -> ColumnExpression { .call("regex_count", [self, lit(regex)]) }

  /// The first match of a regular expression, or a group of it, from 1; null where there is none.
  public func extract(regex: String, group: Int = 0) -> ColumnExpression {
    .call("regex_extract", [self, lit(regex), lit(group)])
  }

  /// The group of that name in the first match of a regular expression; null where there is none.
  public func extract(regex: String, group: String) -> ColumnExpression {
    .call("regex_extract", [self, lit(regex), lit(group)])
  }

  /// With the matches of a regular expression replaced, all or the first `count`; a count below 0 is all. In the replacement
  /// `\1` to `\9` are groups, `\0` is the match and `\\` a backslash.
  public func replacing(regex: String, with replacement: String, count: Int? = nil) -> ColumnExpression {
    .call("regex_replace", [self, lit(regex), lit(replacement)] + (count.map { [lit($0)] } ?? []))
  }
}

// JSON.
extension ColumnExpression {
  /// The JSON value at a path such as `$.orders[0].id` or `$."x y"[-1]`, as it stands in the text; null where the path leads to
  /// nothing and where the text is not JSON.
  public func jsonValue(_ path: String) -> ColumnExpression { .call("json_extract", [self, lit(path)]) }

  /// As `jsonValue`, a string without its quotes and escapes; null for JSON's null.
  public func jsonText(_ path: String) -> ColumnExpression { .call("json_extract_text", [self, lit(path)]) }
}
