/// One flag of the command line: the entry from which parsing, help text and precedence derive.
///
/// Its value comes from the command line, else from its `VOLLEY_*` variable, else from `fallback`, and goes through the
/// same `read` whichever it is.
struct Flag<Value: Sendable>: Sendable {
  let entry: FlagEntry
  /// The value that a text says; nil when it says none.
  let read: @Sendable (String) -> Value?

  /// - Parameters:
  ///   - name: without the dashes.
  ///   - syntax: what stands behind it in the help text, nil for a switch.
  ///   - variable: the environment variable, nil when there is none.
  ///   - fallback: the text that holds when nobody gave one.
  ///   - fallbackWords: the default in words, when `fallback` cannot say it.
  ///   - expected: what a right value looks like, with its article, for the message about a wrong one.
  ///   - help: what it does, a fragment without a full stop.
  init(
    _ name: String, _ syntax: String?, variable: String? = nil, fallback: String? = nil, fallbackWords: String? = nil,
    repeatable: Bool = false, expected: String, help: String, read: @escaping @Sendable (String) -> Value?
  ) {
    entry = FlagEntry(
      name: name, syntax: syntax, variable: variable, fallback: fallback, fallbackWords: fallbackWords,
      repeatable: repeatable, expected: expected, help: help)
    self.read = read
  }
}

/// A flag without the type of its value.
struct FlagEntry: Sendable, Hashable {
  let name: String
  let syntax: String?
  let variable: String?
  let fallback: String?
  let fallbackWords: String?
  /// May be given more than once; each time adds a value.
  let repeatable: Bool
  let expected: String
  let help: String
}
