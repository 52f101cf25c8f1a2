import State
import VolleyPlan

/// What becomes of an operator's state in another version: what its tables say, and what they do not, because two
/// operators may keep the same columns and mean other things by them.
enum StateChange {
  static func verdict(
    from former: PipelineVersion.Stage, to new: PipelineVersion.Stage
  ) -> StateMigration.Verdict {
    var (widens, conflicts): ([String], [String]) = ([], [])
    if former.kind != new.kind {
      return .conflicts(["it was \(article(former.kind)) \(former.kind) and is \(article(new.kind)) \(new.kind)"])
    }
    switch StateMigration.verdict(from: former.tables, to: new.tables) {
    case .same: break
    case .widens(let changes): widens = changes
    case .conflicts(let reasons): conflicts = reasons
    }
    if conflicts.isEmpty { conflicts = unreadColumns(former, new) }
    switch (former.operator, new.operator) {
    case (.aggregate(let former), .aggregate(let new)):
      let changed = changedFunctions(former.aggregates, new.aggregates)
      let isNew = { (call: Plan.AggregateCall) in !former.aggregates.contains { $0.name == call.name } }
      if !conflicts.isEmpty, changed.isEmpty, new.aggregates.contains(where: isNew) {
        conflicts.append(
          "an aggregate can be added where rows are not taken back: of rows that came before it, nothing could be taken from it"
        )
      }
      conflicts = changed + conflicts
    case (.window(let former), .window(let new)):
      conflicts = changedFunctions(former.aggregates, new.aggregates) + conflicts
    case (.topN(let former), .topN(let new)):
      if former.by != new.by {
        conflicts.append("its rows were kept by another order, and those that this one would have kept are gone")
      }
      if new.count > former.count {
        widens.append(
          "it kept \(former.count) rows of a key and keeps \(new.count): those that are missing come with new rows")
      }
    default: break
    }
    if !conflicts.isEmpty { return .conflicts(conflicts) }
    return widens.isEmpty ? .same : .widens(widens)
  }

  /// Aggregates whose states look the same and are of other functions.
  private static func changedFunctions(
    _ former: [Plan.AggregateCall], _ new: [Plan.AggregateCall]
  ) -> [String] {
    new.compactMap { call in
      guard let was = former.first(where: { $0.name == call.name }), was.function != call.function else { return nil }
      return "'\(call.name)' was \(was.function) and is \(call.function): give the new one another name"
    }
  }

  /// Columns of rows that are new to the operator alone: the rows that it keeps had them, and were kept without. Nulls in
  /// their place would be wrong, other than of a column that its inputs did not have.
  private static func unreadColumns(
    _ former: PipelineVersion.Stage, _ new: PipelineVersion.Stage
  ) -> [String] {
    guard new.keepsRows else { return [] }
    return new.tables.flatMap { table in
      guard let old = former.tables.first(where: { $0.name == table.name }) else { return [String]() }
      let added = table.value.map(\.name).filter { name in
        !name.hasPrefix("$") && !old.value.contains { $0.name == name } && former.rowColumns?.contains(name) ?? true
      }
      return added.map {
        "table '\(table.name)': '\($0)' is read now, and nothing read it before, so that the rows that are there were kept without it"
      }
    }
  }

  private static func article(_ kind: String) -> String { "aeiou".contains(kind.prefix(1)) ? "an" : "a" }
}
