import Base
import State
import VolleyPlan

extension PipelineComparison {
  /// The table of verdicts, a line each, and below it the schemas of those that conflict.
  public var text: String {
    let cells = rows.map { [$0.kind, $0.uid, $0.verdict.name, $0.detail] }
    let widths = (0..<3).map { column in cells.map { $0[column].count }.max() ?? 0 }
    var lines = cells.map { row in
      var line = ""
      for column in 0..<3 {
        line += row[column]
        if column < 2 || !row[3].isEmpty {
          line += String(repeating: " ", count: widths[column] - row[column].count + 2)
        }
      }
      return (line + row[3]).trimmed
    }
    for row in rows {
      guard case .conflicts(_, let former, let new) = row.verdict else { continue }
      lines.append("\(row.kind) '\(row.uid)' in the checkpoint:")
      lines += Self.lines(of: former)
      lines.append("\(row.kind) '\(row.uid)' in the pipeline:")
      lines += Self.lines(of: new)
    }
    return (lines + notes).map { $0 + "\n" }.joined()
  }

  public var json: JSONValue {
    .object([
      .init("refused", .bool(isRefused)),
      .init(
        "stages",
        .array(
          rows.map { row in
            var members: [JSONValue.Member] = [
              .init("uid", .string(row.uid)), .init("former_uid", row.formerUID.map(JSONValue.string) ?? .null),
              .init("kind", .string(row.kind)), .init("verdict", .string(row.verdict.name)),
              .init("refused", .bool(row.verdict.isRefused)), .init("detail", .string(row.detail)),
            ]
            if case .conflicts(_, let former, let new) = row.verdict {
              members.append(.init("former", .array(former.map { .string($0.text) })))
              members.append(.init("new", .array(new.map { .string($0.text) })))
            }
            return .object(members)
          })),
      .init("notes", .array(notes.map(JSONValue.string))),
    ])
  }

  /// Why the pipeline cannot go on from the epoch; nil when it can.
  ///
  /// - Parameter epoch: its name.
  public func refusal(of epoch: String) -> Failure? {
    let refused = rows.filter { $0.verdict.isRefused }
    guard !refused.isEmpty else { return nil }
    let reasons = refused.map { "\($0.kind) '\($0.uid)' \($0.sentence)" }
    return Failure(
      .plugin, "the pipeline cannot go on from \(epoch): \(reasons.joined(separator: "; ")); nothing was touched")
  }

  /// What does not go on as it was, each as a sentence: for the log of a run.
  ///
  /// - Parameter epoch: its name.
  public func changes(from epoch: String) -> [(uid: String, verdict: String, sentence: String)] {
    rows.compactMap { row in
      let name = "\(row.kind) '\(row.uid)'"
      let sentence: String? =
        switch row.verdict {
        case .migrated(let what): "the state of \(name) in \(epoch) is brought into its new form: \(what)"
        // A sink of which the epoch holds nothing has all that it needs.
        case .startsEmpty where row.kind == "sink": nil
        case .startsEmpty: "\(name) is not in \(epoch) and begins empty"
        case .dropped(let why): "what \(epoch) has of \(name) is left behind\(why.map { ": \($0)" } ?? "")"
        case .reset: "\(name) is read from its start, not from \(epoch)"
        default: row.formerUID.map { "\(name) goes on with what \(epoch) has of '\($0)'" }
        }
      return sentence.map { (row.uid, row.verdict.name, $0) }
    }
  }

  private static func lines(of tables: [StateTable]) -> [String] {
    tables.isEmpty ? ["  no state"] : tables.map { "  \($0.text)" }
  }
}

extension PipelineComparison.Verdict {
  /// A word or two for the table and for programs.
  public var name: String {
    switch self {
    case .restored: "restored"
    case .migrated: "migrated"
    case .startsEmpty: "starts empty"
    case .dropped: "dropped"
    case .reset: "reset"
    case .gone: "gone"
    case .conflicts: "conflicts"
    case .sourceChanged: "source changed"
    }
  }
}

extension PipelineComparison.Row {
  var detail: String {
    let rename = formerUID.map { "was '\($0)'" }
    let rest: String? =
      switch verdict {
      case .restored, .startsEmpty: nil
      case .migrated(let what): what
      case .dropped(let why): "\(why.map { "it begins empty: \($0); " } ?? "")--drop-state \(uid)"
      case .reset: "--reset-source \(uid)"
      case .gone: "refused; --drop-state \(uid) leaves it behind, --rename-uid \(uid)=NEW gives it to another"
      case .conflicts(let what, _, _): "refused: \(what)"
      case .sourceChanged(let what): "refused: \(what); --reset-source \(uid) reads it from its start"
      }
    return [rename, rest].compactMap { $0 }.joined(separator: "; ")
  }

  /// What a refused one is, behind its name.
  fileprivate var sentence: String {
    switch verdict {
    case .gone:
      "is in the checkpoint and no more in the pipeline (--drop-state \(uid) leaves it behind, --rename-uid \(uid)=NEW gives it to "
        + "another)"
    case .conflicts(let what, let former, let new):
      "has state of another form: \(what); the checkpoint has \(Self.text(former)), the pipeline \(Self.text(new)) (give it another "
        + "uid, or leave the state behind with --drop-state \(uid))"
    case .sourceChanged(let what):
      "has changed, so that its positions mean nothing: \(what) (--reset-source \(uid) reads it from its start)"
    default: "is restored"
    }
  }

  private static func text(_ tables: [StateTable]) -> String {
    tables.isEmpty ? "no state" : tables.map(\.text).joined(separator: ", ")
  }
}

extension StateTable {
  /// "sums (user: int64; window: timestamp) → total: float64": its name, key, namespace and value.
  public var text: String {
    let list = { (fields: [Field]) in fields.map(\.description).joined(separator: ", ") }
    let address = [key, namespace].filter { !$0.isEmpty }.map(list).joined(separator: "; ")
    return "\(name) (\(address)) → (\(list(value)))"
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
