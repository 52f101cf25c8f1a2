import Base
import CVolley
import VolleyPlan

/// A parameter of a pipeline, or an option of a connector or codec, as a plugin declares it.
public struct PluginParameter: Sendable, Hashable {
  public enum Kind: String, Sendable, CaseIterable {
    case string, int, double, bool
    /// A number of seconds, or text with a unit: "500ms", "10s", "5m", "1h".
    case duration
  }

  public var name: String
  public var kind: Kind
  /// Nil when the value must be given.
  public var defaultValue: JSONValue?
  public var description: String?

  init(_ pointer: UnsafePointer<volley_parameter>, of owner: String) throws(Failure) {
    let table = try PluginTable(pointer, name: "volley_parameter", owner: owner)
    name = try table.name(\.name, "name", volley_parameter_has_name)
    let kindName = try table.name(\.type, "type", volley_parameter_has_type)
    guard let kind = Kind(rawValue: kindName) else {
      let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(
        .plugin, "\(owner): parameter '\(name)' has the unknown type '\(kindName)'; this host knows \(known)")
    }
    self.kind = kind
    description = try table.text(\.description, "description", volley_parameter_has_description)
    guard let text = try table.text(\.default_value, "default_value", volley_parameter_has_default_value) else {
      return
    }
    do {
      defaultValue = try JSONValue.parse(text)
    } catch {
      throw Failure(.plugin, "\(owner): the default of parameter '\(name)' is not JSON: \(error.message)")
    }
    // An optional parameter has no value unless one is given: null.
    guard let value = defaultValue, value == .null || kind.fits(value) else {
      throw Failure(.plugin, "\(owner): the default of parameter '\(name)' is \(text), expected \(kind.phrase)")
    }
  }

  /// The value that a flag's text means: `--set name=text`.
  public func value(fromText text: String) throws(Failure) -> JSONValue {
    switch kind {
    case .string: return .string(text)
    case .bool:
      if text == "true" || text == "false" { return .bool(text == "true") }
    case .int:
      if let value = Int64(text) { return .int(value) }
    case .double:
      if let value = Double(text), value.isFinite { return .double(value) }
    case .duration:
      if let value = Double(text), value.isFinite { return Int64(text).map(JSONValue.int) ?? .double(value) }
      if !text.isEmpty { return .string(text) }
    }
    throw Failure(.usage, "parameter '\(name)' is '\(text)', expected \(kind.phrase)")
  }
}

extension PluginParameter.Kind {
  /// Whether a value is of this kind. What a duration's text says is for the plugin to judge.
  func fits(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.string, .string), (.int, .int), (.double, .int), (.double, .double), (.bool, .bool): true
    case (.duration, .int), (.duration, .double), (.duration, .string): true
    default: false
    }
  }

  /// For messages: "an integer".
  var phrase: String {
    switch self {
    case .string: "a string"
    case .int: "an integer"
    case .double: "a number"
    case .bool: "true or false"
    case .duration: "a duration, such as 500ms, 10s or 5m"
    }
  }
}

extension PluginParameter {
  /// What the values are for, in the words of messages.
  enum Role: String {
    case parameter
    case option
  }
}

extension [PluginParameter] {
  /// Refuses values that no parameter has the name of, values of the wrong kind, and missing ones.
  ///
  /// - Parameter owner: "pipeline 'revenue'".
  /// - Returns: each parameter's value, the default where none is given.
  func resolve(
    _ values: JSONValue, of owner: String, as role: PluginParameter.Role
  ) throws(Failure) -> [(name: String, value: JSONValue)] {
    guard case .object(let members) = values else {
      throw Failure(.usage, "the \(role)s of \(owner) are \(values.text), expected a JSON object")
    }
    for member in members {
      guard let parameter = first(where: { $0.name == member.name }) else {
        let nearest = nearestName(to: member.name, among: map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
        let known = isEmpty ? "it has none" : "its \(role)s are " + map { "'\($0.name)'" }.joined(separator: ", ")
        throw Failure(.usage, "\(owner) has no \(role) '\(member.name)', \(known)\(nearest)")
      }
      guard parameter.kind.fits(member.value) else {
        throw Failure(
          .usage, "\(role) '\(member.name)' of \(owner) is \(member.value.text), expected \(parameter.kind.phrase)")
      }
    }
    var resolved: [(name: String, value: JSONValue)] = []
    for parameter in self {
      guard let value = values[parameter.name] ?? parameter.defaultValue else {
        let remedy = role == .parameter ? "give it with --set \(parameter.name)=…" : "give it in the pipeline"
        throw Failure(.usage, "\(role) '\(parameter.name)' of \(owner) has no default and no value; \(remedy)")
      }
      resolved.append((parameter.name, value))
    }
    return resolved
  }
}
