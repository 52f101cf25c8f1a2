import Base

/// What the owner of a checkpoint directory starts with.
public struct TakenOver: Sendable {
  /// The epoch to go on from; nil: empty. Every byte of its files was checked.
  public var manifest: Manifest?
  /// Newer epochs that are damaged, each a sentence: to be told.
  public var damaged: [Failure]
  /// As `RestoreDecision` has them.
  public var broken: [Manifest]
  public var unreadable: [Epoch]
  public var unfinished: [Epoch]
  /// The highest number that was ever used; 0: none.
  public var lastEpoch: Epoch
  public var files: CheckpointFiles
}

extension CheckpointDirectory {
  /// Decides from where the job goes on, and makes sure that nobody who owned the directory before completes another
  /// epoch behind it.
  ///
  /// - Parameters:
  ///   - point: where from; what it abandons stays abandoned in later runs that go on from the newest.
  ///   - job: whose epochs they have to be.
  ///   - check: refuses an epoch that the job cannot go on from, before anything is changed.
  public func takeOver(
    _ point: RestorePoint, job: String, lease: DirectoryLease, check: (Manifest) throws(Failure) -> Void = { _ in }
  ) throws(Failure) -> TakenOver {
    var checked: Set<ContentName> = []
    while true {
      let entries = try epochs()
      let decision = try Recovery.decide(point, entries, job: job, place: place) {
        damage(of: $0, checked: &checked)
      }
      var files = CheckpointFiles(self, generation: lease.generation)
      if let manifest = decision.manifest {
        try check(manifest)
        files.trust(manifest)
      }
      var result = TakenOver(
        manifest: decision.manifest, damaged: decision.damaged, broken: decision.broken,
        unreadable: decision.unreadable, unfinished: decision.unfinished, lastEpoch: Epoch(0), files: files)
      // Nobody was here before.
      if entries.isEmpty, lease.generation == Generation(1) { return result }
      let seal = Seal(
        generation: lease.generation, from: decision.manifest?.epoch, broken: decision.broken.map(\.epoch))
      let publication = try self.seal(seal, epoch: decision.seal)
      guard try lease.isNewest() else { throw lease.refusal() }
      // A former owner may have completed an epoch in the meantime; from now on it cannot.
      guard publication == .done, try isAsBefore(entries, below: decision.seal) else { continue }
      result.lastEpoch = decision.seal
      return result
    }
  }

  private func isAsBefore(_ entries: [EpochEntry], below seal: Epoch) throws(Failure) -> Bool {
    let before = Set(entries.compactMap(\.manifest?.epoch))
    return try epochs().allSatisfy { $0.epoch >= seal || $0.manifest == nil || before.contains($0.epoch) }
  }
}
