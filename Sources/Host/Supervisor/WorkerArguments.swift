import VolleyPlan

/// The command line and the environment of a worker, with some of their flags replaced.
struct WorkerArguments: Sendable, Hashable {
  /// Verb and flags.
  private(set) var words: [String]
  private(set) var environment: [String: String]

  init(_ words: [String], environment: [String: String]) {
    self.words = words
    self.environment = environment
  }

  /// Removes a flag wherever its value came from, and gives it other values.
  mutating func replace(_ flag: FlagEntry, by values: [String] = []) {
    if let variable = flag.variable { environment[variable] = nil }
    var rest = words.makeIterator()
    words = []
    while let word = rest.next() {
      if word == "--\(flag.name)" {
        if flag.syntax != nil { _ = rest.next() }
      } else if !word.hasPrefix("--\(flag.name)=") {
        words.append(word)
      }
    }
    for value in values { words += ["--\(flag.name)", value] }
  }

  /// - Parameter parameters: an object, parameter to value.
  mutating func replaceParameters(by parameters: JSONValue) {
    environment = environment.filter { !$0.key.hasPrefix(PipelineOptions.parameterVariable) }
    guard case .object(let members) = parameters else { return replace(RunFlags.set.entry) }
    replace(
      RunFlags.set.entry,
      by: members.map { member in
        if case .string(let text) = member.value {
          "\(member.name)=\(text)"
        } else {
          "\(member.name)=\(member.value.text)"
        }
      })
  }
}
