import Base
import VolleyPlan

/// What a command line said, before anybody asked what it means.
struct ParsedFlags: Sendable {
  /// Where a value was found, as a message calls it.
  enum Origin: Sendable, Hashable {
    case commandLine
    case variable(String)
    case fallback
  }

  private struct Found: Sendable {
    var text: String
    var origin: Origin
  }

  private var given: [String: [Found]] = [:]
  /// What is no flag, in order.
  private(set) var words: [String] = []

  /// - Parameters:
  ///   - arguments: what follows the verb.
  ///   - verb: for messages.
  /// - Throws: `usage`: an unknown flag (the nearest one is named), a flag without its value, a flag given twice.
  init(
    _ arguments: some Collection<String>, flags: [FlagEntry], verb: String, environment: [String: String]
  ) throws(Failure) {
    var rest = arguments.makeIterator()
    while let argument = rest.next() {
      guard argument.hasPrefix("-"), argument != "-" else {
        words.append(argument)
        continue
      }
      let spelled = argument.prefix { $0 != "=" }
      guard spelled.hasPrefix("--"), let entry = flags.first(where: { "--\($0.name)" == spelled }) else {
        throw Self.unknown(String(spelled), flags: flags, verb: verb)
      }
      var value: String?
      if spelled.endIndex < argument.endIndex {
        value = String(argument[argument.index(after: spelled.endIndex)...])
      }
      if let syntax = entry.syntax {
        guard let text = value ?? rest.next() else {
          throw Failure(.usage, "\(spelled) has no value: write \(spelled) \(syntax), with \(entry.expected)")
        }
        value = text
      } else if let value {
        throw Failure(.usage, "\(spelled) takes no value, found '\(value)': leave it out")
      }
      if !entry.repeatable, let former = given[entry.name]?.last {
        let values = entry.syntax == nil ? "" : ": '\(former.text)' and '\(value ?? "")'"
        throw Failure(.usage, "\(spelled) is given twice\(values); leave one out")
      }
      given[entry.name, default: []].append(Found(text: value ?? "", origin: .commandLine))
    }
    for entry in flags where given[entry.name] == nil {
      if let variable = entry.variable, let text = environment[variable], !text.isEmpty {
        let texts = entry.repeatable ? text.split(separator: ":").map(String.init) : [text]
        given[entry.name] = texts.map { Found(text: $0, origin: .variable(variable)) }
      } else if let fallback = entry.fallback {
        given[entry.name] = [Found(text: fallback, origin: .fallback)]
      }
    }
  }

  /// The value of a flag, nil when nobody gave one and it has no default.
  func value<Value>(_ flag: Flag<Value>) throws(Failure) -> Value? { try values(flag).last }

  /// All values of a flag that may be given several times.
  func values<Value>(_ flag: Flag<Value>) throws(Failure) -> [Value] {
    var values: [Value] = []
    for found in given[flag.entry.name] ?? [] {
      guard let value = flag.read(found.text) else { throw Self.wrong(found.text, found.origin, flag.entry) }
      values.append(value)
    }
    return values
  }

  /// Whether the command line or the environment gave a flag.
  func isGiven(_ flag: FlagEntry) -> Bool { given[flag.name]?.contains { $0.origin != .fallback } ?? false }

  /// Whether a switch was given.
  func isOn(_ flag: Flag<Bool>) -> Bool { given[flag.entry.name] != nil }

  private static func wrong(_ text: String, _ origin: Origin, _ entry: FlagEntry) -> Failure {
    let place =
      switch origin {
      case .variable(let name): "the variable \(name)"
      case .commandLine, .fallback: "--\(entry.name)"
      }
    return Failure(.usage, "\(place) is '\(text)', expected \(entry.expected)")
  }

  private static func unknown(_ spelled: String, flags: [FlagEntry], verb: String) -> Failure {
    if let nearest = nearestName(to: spelled, among: flags.map { "--\($0.name)" }) {
      return Failure(.usage, "'\(verb)' has no flag '\(spelled)'; did you mean '\(nearest)'?")
    }
    return Failure(.usage, "'\(verb)' has no flag '\(spelled)': 'volley-host help \(verb)' lists those that it has")
  }
}
