import VolleyPlan

extension Plan.Source {
  /// What makes positions in the former source mean nothing in this one, as the end of a sentence: "its path is …, and was …".
  /// Nil when they mean the same.
  ///
  /// Of an option that it does not know, it takes the worst for granted: rows that are lost or come twice are found out late.
  func change(since former: Plan.Source) -> String? {
    switch (former.implementation, implementation) {
    case (.function, .function):
      // Ids of functions say nothing across versions; the source says which positions it cannot go on from.
      return nil
    case (.connector(let former), .connector(let new)):
      if former.name != new.name { return "it reads with the connector '\(new.name)', and did with '\(former.name)'" }
      return Self.changedOption(former, new)
    case (.function, .connector(let new)): return "it reads with the connector '\(new.name)', and did with its own code"
    case (.connector(let former), .function): return "it reads with its own code, and did with '\(former.name)'"
    }
  }

  private static func changedOption(_ former: Plan.Connector, _ new: Plan.Connector) -> String? {
    guard case .object(let before) = former.options, case .object(let after) = new.options else {
      return former.options == new.options
        ? nil : "its options are \(new.options.text), and were \(former.options.text)"
    }
    let names = before.map(\.name) + after.map(\.name).filter { name in !before.contains { $0.name == name } }
    for name in names where !harmless.contains(name) {
      let (old, now) = (former.options[name] ?? .null, new.options[name] ?? .null)
      if old != now { return "its option '\(name)' is \(now.text), and was \(old.text)" }
    }
    return nil
  }

  /// Options of built-in sources that say how to read, not what.
  private static let harmless: Set = [
    "inferBytes", "inferRows", "interleave", "maxOpenFiles", "maxRecordBytes", "rate", "rows", "watch",
  ]
}
