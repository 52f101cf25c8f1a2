import Base

/// Decides when epochs are taken, and what becomes of them: a value without clock, threads or files.
///
/// It is told what happened, by `handle`, and says what is to be done. One epoch is under way at a time, from its
/// start until every sink has committed it. Its number is never used again, whatever becomes of it.
public struct EpochCoordinator: Sendable, Hashable {
  /// A stage in one subtask, which adds its part to every epoch.
  public struct Member: Sendable, Hashable, Comparable {
    /// The stage's id.
    public var stage: String
    public var subtask: Int

    public init(_ stage: String, _ subtask: Int) {
      self.stage = stage
      self.subtask = subtask
    }

    public static func < (left: Member, right: Member) -> Bool {
      (left.stage, left.subtask) < (right.stage, right.subtask)
    }
  }

  public struct Options: Sendable, Hashable {
    /// Nanoseconds from the start of one epoch to that of the next.
    public var interval: Int64
    /// Nanoseconds that an epoch may take until all parts are there.
    public var timeout: Int64

    public init(interval: Int64, timeout: Int64) {
      precondition(interval > 0 && timeout > 0, "epochs take time")
      self.interval = interval
      self.timeout = timeout
    }
  }

  public enum Event: Sendable, Hashable {
    /// Time has passed: told at `wakeTime` at the latest.
    case tick
    /// A member's part of an epoch is durable.
    case acknowledged(Epoch, Member)
    /// A member has ended; its last part, which counts for every epoch from here on, is durable.
    case ended(Member)
    /// A member could not make its part durable.
    case failed(Epoch)
    /// The manifest is there, durably.
    case published(Epoch)
    /// It is not, or that is not known.
    case publicationFailed(Epoch)
    /// A sink has committed its part.
    case committed(Epoch, Member)
    /// Somebody wants an epoch that is kept.
    case savepointWanted
    /// An epoch is to be taken and nothing processed behind it.
    case stopWanted
  }

  public enum Action: Sendable, Hashable {
    /// Barriers are to be sent; `isLast`: nothing is to be processed behind them. Not sent, but known to have
    /// happened, when every member has ended.
    case begin(Epoch, Manifest.Kind, isLast: Bool)
    /// All parts are there: the manifest is to be published with the epoch's `permit`.
    case publish(Epoch, Manifest.Kind)
    /// Nothing will come of the epoch; what sinks prepared for it belongs to the next one.
    case abort(Epoch, AbortReason)
    /// The epoch is complete: its sinks are to commit.
    case commit(Epoch)
    /// All sinks have committed.
    case done(Epoch, Manifest.Kind)
    /// The last epoch is done, that of `stopWanted` or of the end of all members: nothing more will be asked.
    case finish
  }

  public enum AbortReason: String, Sendable, Hashable {
    case timeout, failed
    case publication = "publication failed"
  }

  private enum Phase: Sendable, Hashable {
    case idle
    case collecting(Epoch, Manifest.Kind, missing: Set<Member>)
    case publishing(Epoch, Manifest.Kind, isPermitTaken: Bool)
    case committing(Epoch, Manifest.Kind, missing: Set<Member>)
    case finished
  }

  private enum Ending: Sendable, Hashable {
    case none, stop, final
  }

  /// Nanoseconds from an epoch that was aborted to the next one that cannot wait.
  private static let retryDelay: Int64 = 500_000_000

  public let options: Options
  private let members: Set<Member>
  private let sinks: Set<Member>
  private var phase = Phase.idle
  private var ended: Set<Member> = []
  private var isSavepointWanted = false
  private var ending = Ending.none
  /// What was wanted when the epoch that is under way began.
  private var begunFor = Ending.none
  private var nextNumber: Epoch
  private var lastStart: MonotonicTime
  /// No epoch begins before it.
  private var retryTime: MonotonicTime

  /// Epochs that were aborted.
  public private(set) var aborted = 0
  public private(set) var completed = 0

  /// - Parameters:
  ///   - members: every stage with a part, in every subtask.
  ///   - sinks: those of them that commit.
  ///   - first: the number of the first epoch.
  ///   - now: the first one starts an interval later.
  public init(members: Set<Member>, sinks: Set<Member>, first: Epoch, options: Options, now: MonotonicTime) {
    precondition(sinks.isSubset(of: members), "a sink that commits is a member")
    self.members = members
    self.sinks = sinks
    self.options = options
    nextNumber = first
    lastStart = now
    retryTime = now
  }

  /// When something happens by itself; nil: only when something else has happened.
  public var wakeTime: MonotonicTime? {
    switch phase {
    case .idle: startTime
    case .collecting: lastStart + options.timeout
    case .publishing, .committing, .finished: nil
    }
  }

  /// The epoch that is under way.
  public var current: Epoch? {
    switch phase {
    case .idle, .finished: nil
    case .collecting(let epoch, _, _), .publishing(let epoch, _, _), .committing(let epoch, _, _): epoch
    }
  }

  /// Who has not done what the epoch waits for, in order: for messages.
  public var missing: [Member] {
    switch phase {
    case .collecting(_, _, let missing), .committing(_, _, let missing): missing.sorted()
    case .idle, .publishing, .finished: []
    }
  }

  public var isFinished: Bool { phase == .finished }

  private var startTime: MonotonicTime {
    isSavepointWanted || ending != .none ? retryTime : max(lastStart + options.interval, retryTime)
  }

  /// Whether every member has ended: then an epoch consists of their last parts.
  public var haveAllEnded: Bool { ended.count == members.count }

  /// The right to complete the epoch whose publication was asked for: given once.
  public mutating func permit(_ epoch: Epoch) -> CommitPermit? {
    guard case .publishing(epoch, let kind, false) = phase else { return nil }
    phase = .publishing(epoch, kind, isPermitTaken: true)
    return CommitPermit(epoch, kind)
  }

  /// - Parameter now: not before that of the last event.
  /// - Returns: what is to be done, in order.
  public mutating func handle(_ event: Event, now: MonotonicTime) -> [Action] {
    switch event {
    case .tick: break
    case .acknowledged(let epoch, let member): acknowledge(epoch, member)
    case .ended(let member): end(member)
    case .failed(let epoch):
      if case .collecting(epoch, _, _) = phase { return abort(epoch, .failed, now) + step(now) }
    case .published(let epoch): return published(epoch) + step(now)
    case .publicationFailed(let epoch):
      guard case .publishing(epoch, _, true) = phase else { break }
      return abort(epoch, .publication, now) + step(now)
    case .committed(let epoch, let member):
      guard case .committing(epoch, let kind, var missing) = phase else { break }
      missing.remove(member)
      phase = .committing(epoch, kind, missing: missing)
      return finishCommit() + step(now)
    case .savepointWanted: isSavepointWanted = true
    case .stopWanted: if ending == .none { ending = .stop }
    }
    return step(now)
  }

  /// What time and the parts that are there allow.
  private mutating func step(_ now: MonotonicTime) -> [Action] {
    var actions: [Action] = []
    if case .collecting(let epoch, _, let missing) = phase, !missing.isEmpty, now >= lastStart + options.timeout {
      actions += abort(epoch, .timeout, now)
    }
    if case .idle = phase, now >= startTime { actions.append(begin(now)) }
    if case .collecting(let epoch, let kind, let missing) = phase, missing.isEmpty {
      phase = .publishing(epoch, kind, isPermitTaken: false)
      actions.append(.publish(epoch, kind))
    }
    return actions
  }

  private mutating func begin(_ now: MonotonicTime) -> Action {
    let epoch = nextNumber
    let kind: Manifest.Kind = isSavepointWanted ? .savepoint : ending == .final ? .final : .checkpoint
    nextNumber = epoch.next
    lastStart = now
    begunFor = ending
    phase = .collecting(epoch, kind, missing: members.subtracting(ended))
    return .begin(epoch, kind, isLast: ending != .none && (ending == .stop || kind == .final))
  }

  private mutating func acknowledge(_ epoch: Epoch, _ member: Member) {
    precondition(members.contains(member), "only a member adds to an epoch")
    // Of an epoch that was aborted it comes too late.
    guard case .collecting(epoch, let kind, var missing) = phase else { return }
    missing.remove(member)
    phase = .collecting(epoch, kind, missing: missing)
  }

  private mutating func end(_ member: Member) {
    precondition(members.contains(member), "only a member ends")
    ended.insert(member)
    if haveAllEnded { ending = .final }
    guard case .collecting(let epoch, let kind, var missing) = phase else { return }
    missing.remove(member)
    phase = .collecting(epoch, kind, missing: missing)
  }

  private mutating func abort(_ epoch: Epoch, _ reason: AbortReason, _ now: MonotonicTime) -> [Action] {
    aborted += 1
    retryTime = now + min(Self.retryDelay, options.interval)
    phase = .idle
    return [.abort(epoch, reason)]
  }

  private mutating func published(_ epoch: Epoch) -> [Action] {
    guard case .publishing(epoch, let kind, true) = phase else {
      preconditionFailure("an epoch is published with its permit")
    }
    completed += 1
    if kind == .savepoint { isSavepointWanted = false }
    phase = .committing(epoch, kind, missing: sinks)
    return [.commit(epoch)] + finishCommit()
  }

  private mutating func finishCommit() -> [Action] {
    guard case .committing(let epoch, let kind, let missing) = phase, missing.isEmpty else { return [] }
    let isLast: Bool
    switch begunFor {
    case .none: isLast = false
    case .stop: isLast = true
    case .final: isLast = kind == .final
    }
    phase = isLast ? .finished : .idle
    return [.done(epoch, kind)] + (isLast ? [.finish] : [])
  }
}

/// The right to complete one epoch: given by `EpochCoordinator.permit`, once for each epoch of which every part was
/// acknowledged, and used up by `CheckpointDirectory.publish`.
public struct CommitPermit: ~Copyable, Sendable {
  public let epoch: Epoch
  public let kind: Manifest.Kind

  fileprivate init(_ epoch: Epoch, _ kind: Manifest.Kind) {
    self.epoch = epoch
    self.kind = kind
  }
}
