import Base
import Checkpointing
import Dataflow
import Observability

/// The thread of the epochs.
extension EpochKeeper {
  func follow(_ job: Job) {
    while true {
      let wake = coordinator?.wakeTime
      let found: (messages: [Message], isClosed: Bool)? = mailbox.wait(until: wake) { box in
        if box.messages.isEmpty && !box.isClosed { return nil }
        defer { box.messages = [] }
        return (box.messages, box.isClosed)
      }
      if let found, found.isClosed {
        isClosing = true
        // The last epoch's sinks may just have committed.
        for case .committed(let epoch, let place) in found.messages { receive(.committed(epoch, place), job) }
        return
      }
      for message in found?.messages ?? [] { receive(message, job) }
      tell(.tick, job)
    }
  }

  private func receive(_ message: Message, _ job: Job) {
    switch message {
    case .part(let snapshot, let place, let epoch): receive(snapshot, of: place, epoch, job)
    case .committed(let epoch, let place):
      tell(.committed(epoch, EpochCoordinator.Member(place.id, place.subtask)), job)
    case .savepoint: tell(.savepointWanted, job)
    case .stop: tell(.stopWanted, job)
    }
  }

  /// - Parameter epoch: nil when the stage has ended.
  private func receive(_ snapshot: StageSnapshot, of place: StagePlace, _ epoch: Epoch?, _ job: Job) {
    guard let stage = stageIndex[place.id].map({ stages[$0] }) else {
      preconditionFailure("a stage is told before it adds to an epoch")
    }
    // One that was given up in the meantime wants nothing; changes of state count all the same.
    let isWanted = epoch == nil || epoch == coordinator?.current
    var part: Manifest.Subtask?
    switch snapshot {
    case .source(let positions):
      part = Manifest.Subtask(
        positions: positions.map { .init(split: $0.split, position: $0.position) }, hasEnded: epoch == nil ? true : nil)
    case .sink(let transactions): part = Manifest.Subtask(transactions: transactions.map(\.content))
    case .state(_, let changes):
      guard let database = stage.databases[place.subtask] else {
        preconditionFailure("an operator's state is asked for before it is given")
      }
      defer { database.changesAreKept() }
      do throws(Failure) { try database.apply(changes) } catch {
        return job.fail(error.within("state of '\(place.id)'"))
      }
      if isWanted {
        do throws(Failure) { part = try database.keep(in: &files) } catch {
          guard let epoch else { return job.fail(error.within("last state of '\(place.id)'")) }
          return giveUp(epoch, error.message, job)
        }
      }
    }
    guard isWanted, let part else { return }
    let member = EpochCoordinator.Member(place.id, place.subtask)
    if let epoch {
      stage.parts[place.subtask] = part
      tell(.acknowledged(epoch, member), job)
    } else {
      stage.lastParts[place.subtask] = part
      tell(.ended(member), job)
    }
  }

  private func giveUp(_ epoch: Epoch, _ why: String, _ job: Job) {
    reason = why
    tell(.failed(epoch), job)
  }

  private func tell(_ event: EpochCoordinator.Event, _ job: Job) {
    guard let actions = coordinator?.handle(event, now: .now) else {
      preconditionFailure("a job tells its parts before it gives them")
    }
    for action in actions { perform(action, job) }
  }

  private func perform(_ action: EpochCoordinator.Action, _ job: Job) {
    switch action {
    case .begin(let epoch, _, let isLast): begin(epoch, isLast: isLast, job)
    case .publish(let epoch, let kind): publish(epoch, kind, job)
    case .abort(let epoch, let why):
      job.abort(epoch)
      tellAborted(epoch, why)
    case .commit(let epoch): job.commit(epoch)
    case .done(let epoch, let kind): finish(epoch, kind)
    case .finish: break
    }
  }

  private func begin(_ epoch: Epoch, isLast: Bool, _ job: Job) {
    if isClosing { return }
    begun = .now
    reason = nil
    for stage in stages { stage.parts = [Manifest.Subtask?](repeating: nil, count: stage.parallelism) }
    do throws(Failure) { try directory.reserve(epoch) } catch { return giveUp(epoch, error.message, job) }
    if coordinator?.haveAllEnded == true { return }
    if case .declined(let why) = isLast ? job.stop(with: epoch) : job.begin(epoch) {
      giveUp(epoch, why, job)
    }
  }

  private func publish(_ epoch: Epoch, _ kind: Manifest.Kind, _ job: Job) {
    // One of last parts alone may have been given up when it began.
    guard coordinator?.current == epoch else { return }
    guard let permit = coordinator?.permit(epoch) else {
      preconditionFailure("an epoch is to be published once, with its permit")
    }
    let manifest = manifest(epoch, kind)
    do throws(Failure) {
      switch try directory.publish(manifest, permit, files: &files, lease: lease) {
      case .done: break
      case .lost: return job.fail(lease.refusal())
      }
    } catch {
      reason = error.message
      return tell(.publicationFailed(epoch), job)
    }
    _ = files.takeNewBytes()
    let newest = EpochCounts.Newest(manifest, completed: .now)
    counted.withLock { $0.complete(microseconds: manifest.cost.microseconds, newest) }
    whenComplete(manifest)
    log.log(
      kind == .checkpoint ? .debug : .info, "epoch.complete",
      "\(kind.rawValue) \(epoch.number) is complete",
      [
        "epoch": .int(Int(epoch.number)), "kind": .string(kind.rawValue),
        "seconds": .double(Double(manifest.cost.microseconds) / 1e6), "new_bytes": .int(Int(manifest.cost.newBytes)),
      ])
    tell(.published(epoch), job)
  }

  private func manifest(_ epoch: Epoch, _ kind: Manifest.Kind) -> Manifest {
    Manifest(
      job: subject.job, epoch: epoch, kind: kind, created: .wallClock, generation: lease.generation,
      cost: .init(microseconds: (MonotonicTime.now - begun) / 1000, newBytes: files.newBytes),
      plugin: subject.plugin, connectors: subject.connectors, launch: subject.launch, plan: subject.plan,
      maxKeyGroups: subject.maxKeyGroups, stages: stages.map(\.entry))
  }

  private func tellAborted(_ epoch: Epoch, _ why: EpochCoordinator.AbortReason) {
    let told = why == .timeout ? "it was not complete within \(rhythm.timeout)" : reason ?? why.rawValue
    counted.withLock { $0.abort(told) }
    log.warning(
      "epoch.aborted", "epoch \(epoch.number) is given up, the job goes on without it: \(told)",
      [
        "epoch": .int(Int(epoch.number)), "reason": .string(why.rawValue),
        "aborted": .int(coordinator?.aborted ?? 0),
      ])
  }

  /// Every sink has committed: what no epoch needs any more goes.
  private func finish(_ epoch: Epoch, _ kind: Manifest.Kind) {
    // The transactions of what has ended stay, though they are committed: by them a sink knows that what it finds is its own
    // when a job that has ended is run again.
    let lastFiles = stages.flatMap { stage in stage.lastParts.flatMap { $0?.files ?? [] } }
    do throws(Failure) {
      let names = try files.names()
      let plan = Retention.plan(
        try directory.epochs(), keep: rhythm.retain, files: names.files, plugins: names.plugins,
        usedFiles: lastFiles.map(\.content), usedPlugins: subject.digests)
      try files.remove(plan)
    } catch {
      log.warning(
        "epoch.retention", "old epochs cannot be removed, which is tried again after the next one: \(error.message)")
    }
  }
}

extension EpochCounts.Newest {
  /// - Parameter completed: nil: by another process.
  init(_ manifest: Manifest, completed: MonotonicTime?) {
    self.init(
      epoch: manifest.epoch, time: ProcessingTime(microseconds: manifest.created), completed: completed,
      newBytes: manifest.cost.newBytes)
    for stage in manifest.stages where !stage.tables.isEmpty {
      stateBytes[stage.id] = stage.subtasks.reduce(0) { sum, part in part.files.reduce(sum) { $0 + $1.size } }
    }
  }
}
