/// The help texts, made from the tables of verbs and flags.
enum HelpText {
  static func overview() -> String {
    let width = Verb.allCases.map(\.rawValue.count).max() ?? 0
    let verbs = Verb.allCases.map { "  \(padded($0.rawValue, to: width))  \($0.summary)" }.joined(separator: "\n")
    return """
      volley-host runs pipelines that are compiled into plugins.

      \(Verb.run.usage)

      Verbs:
      \(verbs)

      'volley-host help run' explains the flags of 'run', and so on.

      """
  }

  static func text(for verb: Verb) -> String {
    var text = "\(verb.usage)\n\n\(verb.summary)\n"
    guard !verb.flags.isEmpty else { return text }
    text += "\nFlags; each that is not given takes the value of its variable, then its default:\n"
    for flag in verb.flags {
      text += "\n  --\(flag.name)\(flag.syntax.map { " \($0)" } ?? "")\n"
      for line in wrapped(details(flag), width: 100) { text += "      \(line)\n" }
    }
    if verb == .run || verb == .inspect {
      text += "\nExit codes: 0 done, 64 usage, 65 bad data, 66 no input, 69 plugin refused, 70 internal, 74 I/O.\n"
    }
    return text
  }

  private static func details(_ flag: FlagEntry) -> String {
    var notes: [String] = []
    if let fallback = flag.fallbackWords ?? flag.fallback { notes.append("default: \(fallback)") }
    if let variable = flag.variable {
      notes.append(flag.repeatable ? "\(variable), values separated by ':'" : variable)
    }
    return notes.isEmpty ? flag.help : "\(flag.help) (\(notes.joined(separator: "; ")))"
  }

  private static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

/// The text with blanks behind it up to that width.
func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
