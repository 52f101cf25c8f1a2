/// A plan as the JSON document that crosses from plugin to host.
public enum PlanJSON {
  /// One line of JSON.
  public static func encode(_ plan: Plan) throws(PlanError) -> String { try PlanEncoder().encode(plan).text }

  /// Reads a plan. Its version is looked at first; then unknown fields, kinds and wrong types are refused by name and place.
  /// Whether the nodes make sense together is not looked at here.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(PlanError) -> Plan {
    try decode(try JSONValue.parse(bytes))
  }

  public static func decode(_ bytes: [UInt8]) throws(PlanError) -> Plan { try decode(try JSONValue.parse(bytes)) }

  public static func decode(_ text: String) throws(PlanError) -> Plan { try decode(try JSONValue.parse(text)) }

  public static func decode(_ document: JSONValue) throws(PlanError) -> Plan {
    guard case .object = document else { throw PlanError("a plan is a JSON object, found \(document.kindName)") }
    try check(document["version"])
    return try PlanDecoder().decode(Plan.self, from: document)
  }

  /// A newer plan may say things that this reader would misread, so nothing else of it is looked at.
  private static func check(_ value: JSONValue?) throws(PlanError) {
    guard case .int(let major)? = value?["major"], case .int(let minor)? = value?["minor"] else {
      throw PlanError(
        "the plan does not say its version: expected {\"major\": …, \"minor\": …}, found \(value?.kindName ?? "nothing")",
        path: "version")
    }
    let known = Plan.Version.current
    guard major == known.major && minor <= known.minor && minor >= 0 else {
      let remedy =
        major < known.major
        ? "rebuild the plugin with this host's SDK" : "use a newer host, or rebuild the plugin with this host's SDK"
      throw PlanError(
        "the plan has version \(major).\(minor) and this host reads \(known.major).0 to \(known.major).\(known.minor): "
          + remedy, path: "version")
    }
  }
}
