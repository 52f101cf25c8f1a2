import Base
import State
import VolleyPlan

/// What becomes of each stage of an epoch in a version of the pipeline that is to go on from it: a pure comparison by uid,
/// made before anything is touched.
public struct PipelineComparison: Sendable {
  /// What the user says of the difference.
  public struct Choices: Sendable, Hashable {
    /// Uids whose state may be left behind.
    public var dropped: Set<String>
    /// Uids of sources that may be read from their start.
    public var reset: Set<String>
    /// Former uid to new one.
    public var renamed: [String: String]

    public init(dropped: Set<String> = [], reset: Set<String> = [], renamed: [String: String] = [:]) {
      self.dropped = dropped
      self.reset = reset
      self.renamed = renamed
    }
  }

  public enum Verdict: Sendable, Hashable {
    case restored
    /// With what differs, as the end of a sentence.
    case migrated(String)
    /// Nothing of it was there.
    case startsEmpty
    /// It was there and is left behind, as was asked for; with why it could not be gone on with, as the end of a
    /// sentence, when the pipeline still has it.
    case dropped(String?)
    /// A source is read from its start, as was asked for.
    case reset
    /// It was there, the pipeline has it no more, and nobody said that it may go.
    case gone
    /// It was there in a form that does not become the new one; with what differs.
    case conflicts(String, former: [StateTable], new: [StateTable])
    /// A source's positions mean nothing any more; with what differs.
    case sourceChanged(String)

    var isDrop: Bool { if case .dropped = self { true } else { false } }

    public var isRefused: Bool {
      switch self {
      case .restored, .migrated, .startsEmpty, .dropped, .reset: false
      case .gone, .conflicts, .sourceChanged: true
      }
    }
  }

  public struct Row: Sendable, Hashable {
    /// In the new version; of what is gone, the former one.
    public var uid: String
    /// In the epoch, when it is another.
    public var formerUID: String?
    public var kind: String
    public var verdict: Verdict
  }

  /// The new version's stages in its order, then what is gone.
  public let rows: [Row]
  /// Choices that change nothing, a sentence each: flags that stay on a command line after they have done their work.
  public let notes: [String]

  /// - Throws: `usage` for a choice that names what neither version has.
  public init(former: PipelineVersion, new: PipelineVersion, choices: Choices = Choices()) throws(Failure) {
    var notes: [String] = []
    let names = try Self.names(former, new, choices, &notes)
    var rows: [Row] = []
    for stage in new.stages {
      let origin = former.stages.first { names[$0.uid] == stage.uid }
      rows.append(
        Row(
          uid: stage.uid, formerUID: origin.flatMap { $0.uid == stage.uid ? nil : $0.uid }, kind: stage.kind,
          verdict: Self.verdict(origin, stage, choices)))
    }
    for stage in former.stages where new[names[stage.uid] ?? stage.uid] == nil {
      rows.append(
        Row(
          uid: stage.uid, kind: stage.kind, verdict: choices.dropped.contains(stage.uid) ? .dropped(nil) : .gone))
    }
    for uid in choices.dropped.sorted() where !rows.contains(where: { $0.names(uid) && $0.verdict.isDrop }) {
      notes.append("--drop-state \(uid) drops nothing: \(Self.reason(uid, rows))")
    }
    for uid in choices.reset.sorted() where !rows.contains(where: { $0.names(uid) && $0.verdict == .reset }) {
      notes.append("--reset-source \(uid) resets nothing: \(Self.reason(uid, rows))")
    }
    self.rows = rows
    self.notes = notes
  }

  public var isRefused: Bool { rows.contains { $0.verdict.isRefused } }

  /// By uid of the new version, the uid in the epoch of what it goes on with.
  public var origins: [String: String] {
    var origins: [String: String] = [:]
    for row in rows {
      switch row.verdict {
      case .restored, .migrated: origins[row.uid] = row.formerUID ?? row.uid
      default: break
      }
    }
    return origins
  }

  /// By former uid, what it is called in the new version.
  private static func names(
    _ former: PipelineVersion, _ new: PipelineVersion, _ choices: Choices, _ notes: inout [String]
  ) throws(Failure) -> [String: String] {
    var names: [String: String] = [:]
    for stage in former.stages { names[stage.uid] = stage.uid }
    for (old, target) in choices.renamed.sorted(by: { $0.key < $1.key }) {
      guard new[target] != nil else {
        let known = new.stages.map(\.uid)
        throw Failure(
          .usage,
          "--rename-uid \(old)=\(target): the pipeline has no '\(target)', only "
            + namesNearestFirst(to: target, among: known))
      }
      guard former[old] != nil else {
        if former[target] != nil {
          notes.append("--rename-uid \(old)=\(target) renames nothing: the checkpoint has '\(target)' already")
          continue
        }
        throw Failure(
          .usage,
          "--rename-uid \(old)=\(target): the checkpoint has no '\(old)', only "
            + namesNearestFirst(to: old, among: former.stages.map(\.uid)))
      }
      if former[target] != nil, choices.renamed[target] == nil {
        throw Failure(
          .usage,
          "--rename-uid \(old)=\(target): the checkpoint has both '\(old)' and '\(target)'; rename '\(target)' too, or leave "
            + "it out")
      }
      names[old] = target
    }
    return names
  }

  private static func verdict(
    _ former: PipelineVersion.Stage?, _ new: PipelineVersion.Stage, _ choices: Choices
  ) -> Verdict {
    guard let former else { return .startsEmpty }
    let mayDrop = choices.dropped.contains(former.uid) || choices.dropped.contains(new.uid)
    guard former.role == new.role else {
      // Not for --drop-state: what would be lost is no operator's state alone.
      let what =
        "it was \(former.roleName) and is \(new.roleName); give the new one another uid"
      return .conflicts(what, former: former.tables, new: new.tables)
    }
    switch new.role {
    case .source:
      guard let was = former.source, let change = new.source?.change(since: was) else { return .restored }
      return choices.reset.contains(new.uid) || choices.reset.contains(former.uid) ? .reset : .sourceChanged(change)
    case .sink: return .restored
    case .operator:
      switch StateChange.verdict(from: former, to: new) {
      case .same: return .restored
      case .widens(let changes): return .migrated(changes.joined(separator: ", "))
      case .conflicts(let reasons):
        let what = reasons.joined(separator: ", ")
        return mayDrop ? .dropped(what) : .conflicts(what, former: former.tables, new: new.tables)
      }
    }
  }

  private static func reason(_ uid: String, _ rows: [Row]) -> String {
    guard let row = rows.first(where: { $0.names(uid) }) else { return "the checkpoint has nothing of that name" }
    switch row.verdict {
    case .restored, .migrated: return "what the checkpoint has of it is restored"
    case .startsEmpty: return "the checkpoint has nothing of it"
    case .gone: return "it is in the checkpoint and no more in the pipeline"
    case .conflicts: return "it is no operator whose state has changed alone"
    case .sourceChanged: return "it is a source (--reset-source \(uid))"
    case .dropped, .reset: return "it is done with already"
    }
  }
}

extension PipelineComparison.Row {
  fileprivate func names(_ uid: String) -> Bool { self.uid == uid || formerUID == uid }
}
