import Base
import VolleyPlan

/// The options of one connector of a plan, read by name; what nobody asked for is refused at the end.
struct ConnectorOptions {
  /// "source 'orders' (csv)": leads every message.
  let place: String
  private let members: [JSONValue.Member]
  private var known: [String] = []

  /// - Parameter role: "source" or "sink".
  init(_ connector: Plan.Connector, role: String, uid: String) throws(Failure) {
    place = "\(role) '\(uid)' (\(connector.name))"
    switch connector.options {
    case .object(let members): self.members = members
    case .null: members = []
    default:
      throw Failure(
        .usage, "\(place): the options are \(connector.options.shape), expected an object of options by name")
    }
    var seen: Set<String> = []
    for member in members where !seen.insert(member.name).inserted {
      throw Failure(.usage, "\(place): option '\(member.name)' is given twice; give it once")
    }
  }

  /// Options inside an option, such as one generated column's.
  init(object value: JSONValue, place: String) throws(Failure) {
    self.place = place
    guard case .object(let members) = value else {
      throw Failure(.usage, "\(place): found \(value.shape), expected an object of options by name")
    }
    self.members = members
  }

  /// The value of an option, nil when it is absent or null.
  mutating func value(_ name: String) -> JSONValue? {
    if !known.contains(name) { known.append(name) }
    guard let value = members.first(where: { $0.name == name })?.value, value != .null else { return nil }
    return value
  }

  mutating func string(_ name: String) throws(Failure) -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else { throw wrongType(name, value, expected: "a string") }
    return text
  }

  mutating func requiredString(_ name: String, meaning: String) throws(Failure) -> String {
    guard let text = try string(name) else {
      throw Failure(.usage, "\(place): the option '\(name)' is missing; give \(meaning)")
    }
    guard !text.isEmpty, !text.utf8.contains(0) else {
      throw Failure(.usage, "\(place): option '\(name)' is \(text.isEmpty ? "empty" : "cut by a NUL"); give \(meaning)")
    }
    return text
  }

  mutating func bool(_ name: String, default fallback: Bool) throws(Failure) -> Bool {
    guard let value = value(name) else { return fallback }
    guard case .bool(let flag) = value else { throw wrongType(name, value, expected: "true or false") }
    return flag
  }

  mutating func int(_ name: String, in range: ClosedRange<Int64> = .min ... .max) throws(Failure) -> Int64? {
    guard let value = value(name) else { return nil }
    guard case .int(let number) = value else { throw wrongType(name, value, expected: "an integer") }
    guard range.contains(number) else {
      throw Failure(
        .usage,
        "\(place): option '\(name)' is \(number), expected an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  mutating func double(_ name: String) throws(Failure) -> Double? {
    guard let value = value(name) else { return nil }
    switch value {
    case .int(let number): return Double(number)
    case .double(let number): return number
    default: throw wrongType(name, value, expected: "a number")
    }
  }

  /// A string, or an array of at least one; nil when it is absent.
  mutating func strings(_ name: String, meaning: String) throws(Failure) -> [String]? {
    value(name) == nil ? nil : try requiredStrings(name, meaning: meaning)
  }

  /// A time in seconds, above 0 and at most a year, with a fraction if need be; in nanoseconds.
  mutating func seconds(_ name: String) throws(Failure) -> Int64? {
    guard let number = try double(name) else { return nil }
    guard number >= 1e-9, number <= 31_536_000 else {
      throw Failure(
        .usage, "\(place): option '\(name)' is \(number), expected a number of seconds above 0, at most a year")
    }
    return Int64(number * 1e9)
  }

  /// A string, or an array of at least one.
  mutating func requiredStrings(_ name: String, meaning: String) throws(Failure) -> [String] {
    guard case .array(let elements)? = value(name) else { return [try requiredString(name, meaning: meaning)] }
    var texts: [String] = []
    for element in elements {
      guard case .string(let text) = element, !text.isEmpty, !text.utf8.contains(0) else {
        throw Failure(.usage, "\(place): option '\(name)' holds \(element.shape), expected \(meaning)")
      }
      texts.append(text)
    }
    guard !texts.isEmpty else {
      throw Failure(.usage, "\(place): option '\(name)' is an empty array; give \(meaning)")
    }
    return texts
  }

  /// One of a few words.
  mutating func choice(_ name: String, of words: [String]) throws(Failure) -> String? {
    guard let text = try string(name) else { return nil }
    guard words.contains(text) else {
      let hint = nearestName(to: text, among: words).map { "; did you mean '\($0)'?" } ?? ""
      throw Failure(
        .usage, "\(place): option '\(name)' is '\(text)', expected one of \(words.joined(separator: ", "))\(hint)")
    }
    return text
  }

  /// Refuses what no call has asked for.
  func refuseOthers() throws(Failure) {
    for member in members where !known.contains(member.name) {
      let hint = nearestName(to: member.name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      let list = known.isEmpty ? "it has none" : "it knows \(known.joined(separator: ", "))"
      throw Failure(.usage, "\(place): unknown option '\(member.name)', \(list)\(hint)")
    }
  }

  func wrongType(_ name: String, _ value: JSONValue, expected: String) -> Failure {
    Failure(.usage, "\(place): option '\(name)' is \(value.shape), expected \(expected)")
  }
}

extension JSONValue {
  /// What kind of value it is, with its article and, when short, itself.
  var shape: String {
    switch self {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): "the number \(number)"
    case .double(let number): "the number \(number)"
    case .string(let text): "the string '\(text)'"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
