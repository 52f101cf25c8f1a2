import VolleyPlan

/// The `@Parameter`s of a value, found by reflection.
struct ParameterList {
  struct Entry {
    var name: String
    var parameter: any AnyParameter
  }

  /// In the order of their declarations.
  let entries: [Entry]

  init(of owner: Any) {
    entries = Mirror(reflecting: owner).children.compactMap { child in
      guard let label = child.label, let parameter = child.value as? any AnyParameter else { return nil }
      return Entry(name: label.hasPrefix("_") ? String(label.dropFirst()) : label, parameter: parameter)
    }
  }

  /// Sets what is given.
  ///
  /// - Parameters:
  ///   - values: an object, name to value.
  ///   - noun: "parameter" or "option".
  ///   - owner: what the parameters belong to, for messages ("pipeline 'Revenue'").
  func set(_ values: JSONValue, noun: String, of owner: String) throws(VolleyError) {
    guard case .object(let members) = values else {
      throw VolleyError("the \(noun)s of \(owner) are not a JSON object")
    }
    for member in members {
      guard let entry = entries.first(where: { $0.name == member.name }) else {
        throw VolleyError(unknown(member.name, noun: noun, of: owner))
      }
      if let expectation = entry.parameter.set(member.value) {
        throw VolleyError(
          "\(noun) '\(member.name)' of \(owner) is \(expectation), and \(member.value.text) is not: give another value")
      }
    }
    for entry in entries where !entry.parameter.isSet {
      throw VolleyError(
        "\(noun) '\(entry.name)' of \(owner) has no default: give its value (\(entry.parameter.typeName))")
    }
    for entry in entries { entry.parameter.settle() }
  }

  private func unknown(_ name: String, noun: String, of owner: String) -> String {
    let names = entries.map(\.name)
    if names.isEmpty { return "\(owner) has no \(noun) '\(name)', nor any other: leave it away" }
    let known = names.joined(separator: ", ")
    guard let nearest = nearestName(to: name, among: names) else {
      return "\(owner) has no \(noun) '\(name)' (known are \(known))"
    }
    return "\(owner) has no \(noun) '\(name)': did you mean '\(nearest)' (known are \(known))?"
  }
}
