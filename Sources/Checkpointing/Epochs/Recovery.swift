import Base

/// Where a job is to go on from.
public enum RestorePoint: Sendable, Hashable {
  /// The newest epoch that is whole; empty when there never was one.
  case latest
  case epoch(Epoch)
  /// The newest savepoint.
  case savepoint
  /// Empty, whatever there is.
  case none

  /// A flag's value: "latest", "epoch-12", "savepoint", "none".
  public init?(_ text: String) {
    switch text {
    case "latest": self = .latest
    case "savepoint": self = .savepoint
    case "none": self = .none
    default:
      guard text.hasPrefix("epoch-"), let number = UInt64(text.dropFirst(6)) else { return nil }
      self = .epoch(Epoch(number))
    }
  }
}

/// What a job goes on from.
public struct RestoreDecision: Sendable {
  /// Nil: it begins empty.
  public var manifest: Manifest?
  /// Epochs that are newer than it and damaged, each a sentence: to be told.
  public var damaged: [Failure]
  /// Epochs that are newer than it and were passed over because they are damaged, by this decision or by one that a seal
  /// tells of, and whose manifests can be read: rows that they have shown come again. Ascending; empty when another
  /// than the newest was asked for.
  public var broken: [Manifest] = []
  /// Epochs that are newer than it and whose manifests cannot be read: what they have shown is not known.
  public var unreadable: [Epoch] = []
  /// Numbers that are newer than it and have no manifest.
  public var unfinished: [Epoch] = []
  /// The number to be sealed: above all that were used.
  public var seal: Epoch
}

/// Decides from which epoch a job goes on.
public enum Recovery {
  /// The complete epochs that a job which goes on from the newest may take, the newest first: those that were
  /// abandoned, because a job was told to go on from an earlier one, are left out.
  public static func line(_ entries: [EpochEntry]) -> [Manifest] {
    var line: [Manifest] = []
    walk(entries) { entry in
      if let manifest = entry.manifest { line.append(manifest) }
      return true
    }
    return line
  }

  /// - Parameters:
  ///   - entries: everything that has a number, ascending.
  ///   - job: whose epochs they have to be.
  ///   - place: leads messages: "checkpoint directory /data".
  ///   - damage: what is wrong with an epoch's files; looked at for one epoch after the other until one is whole.
  /// - Throws: when what was asked for is not there or damaged, and when there are epochs and none is whole: a job
  ///   does not begin anew where it lost something.
  public static func decide(
    _ point: RestorePoint, _ entries: [EpochEntry], job: String, place: String,
    damage: (Manifest) -> [Failure]
  ) throws(Failure) -> RestoreDecision {
    for manifest in entries.compactMap(\.manifest) where manifest.job != job {
      throw Failure(
        .usage,
        "\(place): holds epochs of the pipeline '\(manifest.job)', expected those of '\(job)'; name another "
          + "directory with --checkpoint-dir"
      )
    }
    var decision = RestoreDecision(damaged: [], seal: entries.last?.epoch.next ?? Epoch(1))
    switch point {
    case .none: return decision
    case .epoch(let epoch):
      decision.manifest = try asked(entries, place, damage, "epoch \(epoch.number)") { $0.epoch == epoch }
    case .savepoint:
      decision.manifest = try asked(entries, place, damage, "a savepoint") { $0.kind == .savepoint }
    case .latest: try newest(entries, place, damage, &decision)
    }
    return decision
  }

  private static func newest(
    _ entries: [EpochEntry], _ place: String, _ damage: (Manifest) -> [Failure], _ decision: inout RestoreDecision
  ) throws(Failure) {
    var broken: Set<Epoch> = []
    walk(entries) { entry in
      switch entry.content {
      case .complete(let manifest):
        let found = damage(manifest)
        if found.isEmpty {
          decision.manifest = manifest
          return false
        }
        decision.damaged += found
        broken.insert(entry.epoch)
      case .damaged(let failure):
        decision.damaged.append(failure)
        decision.unreadable.append(entry.epoch)
      case .sealed(let seal): broken.formUnion(seal.broken ?? [])
      case .unfinished: decision.unfinished.append(entry.epoch)
      }
      return true
    }
    if decision.manifest != nil {
      decision.broken = entries.compactMap(\.manifest).filter { broken.contains($0.epoch) }
    }
    if decision.manifest == nil, let first = decision.damaged.first {
      throw Failure(
        first.kind,
        "\(place): no epoch can be restored: \(first.message); repair it, or begin anew with --from none")
    }
  }

  /// The newest epoch of a kind, which must be whole.
  private static func asked(
    _ entries: [EpochEntry], _ place: String, _ damage: (Manifest) -> [Failure], _ what: String,
    _ isAsked: (Manifest) -> Bool
  ) throws(Failure) -> Manifest {
    guard let manifest = entries.compactMap(\.manifest).last(where: isAsked) else {
      let known = entries.compactMap(\.manifest).map { "epoch-\($0.epoch.number)" }.joined(separator: ", ")
      let damaged = entries.compactMap { entry in if case .damaged(let failure) = entry.content { failure } else { nil }
      }
      throw Failure(
        .noInput,
        "\(place): \(what) is not there; complete epochs: \(known.isEmpty ? "none" : known)"
          + (damaged.first.map { "; one is damaged: \($0.message)" } ?? ""))
    }
    if let first = damage(manifest).first {
      throw Failure(first.kind, "\(place): epoch \(manifest.epoch.number) cannot be restored: \(first.message)")
    }
    // Also when it has been repaired since.
    for case .sealed(let seal) in entries.map(\.content) where seal.broken?.contains(manifest.epoch) == true {
      throw Failure(
        .data,
        "\(place): epoch \(manifest.epoch.number) cannot be restored: it was damaged when the job went on from "
          + "\(seal.from.map { "epoch \($0.number)" } ?? "the beginning"), and what it had shown was taken back; name an earlier epoch"
      )
    }
    return manifest
  }

  /// From the newest to the oldest, without what seals pass over, until `body` says false.
  private static func walk(_ entries: [EpochEntry], _ body: (EpochEntry) -> Bool) {
    var limit: Epoch?
    for entry in entries.reversed() {
      if let limit, entry.epoch >= limit { continue }
      if !body(entry) { return }
      if case .sealed(let seal) = entry.content { limit = seal.from?.next ?? Epoch(0) }
    }
  }
}
