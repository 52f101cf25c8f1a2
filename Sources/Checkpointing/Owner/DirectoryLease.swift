import Base

/// Ownership of a checkpoint directory: `flock` between processes of this machine, a file for each generation between
/// machines.
///
/// Held as long as the process lives and calls `renew` in time. Any thread.
public final class DirectoryLease: Sendable {
  private struct State {
    var record: LeaseRecord
    /// No longer the owner, for good.
    var isLost = false
    var renewed: MonotonicTime
  }

  public let generation: Generation
  private let directory: CheckpointDirectory
  private let clock: @Sendable () -> MonotonicTime
  /// A `FolderLock`.
  private let lock: AnyObject & Sendable
  private let state: Monitor<State>

  /// Takes the directory, which is prepared. Waits for some seconds when its last owner was on another machine and
  /// did not end in order, to see whether it lives.
  ///
  /// - Parameters:
  ///   - patience: nanoseconds for which an owner on this machine is waited for that may be about to end.
  ///   - pause: called between two looks.
  /// - Throws: `unavailable` when it has an owner that lives, with that one's host name and pid.
  public convenience init(
    _ directory: CheckpointDirectory, clock: @escaping @Sendable () -> MonotonicTime = { .now },
    patience: Int64 = FolderLock.patience, pause: () -> Void
  ) throws(Failure) {
    let lock = try FolderLock.asking(
      directory.path, place: directory.place, patience: patience, pause: pause)
    try self.init(directory, owner: FolderLock.owner, lock: lock, clock: clock, pause: pause)
  }

  /// - Parameter lock: nil when another process of this machine has it.
  init(
    _ directory: CheckpointDirectory, owner: LeaseRecord, lock: (AnyObject & Sendable)?,
    clock: @escaping @Sendable () -> MonotonicTime, pause: () -> Void
  ) throws(Failure) {
    self.directory = directory
    self.clock = clock
    let folder = Self.folder(directory)
    try directory.steps { () throws(StorageProblem) in try directory.storage.makeFolder(folder, in: directory.path) }
    var watch = LeaseWatch(boot: owner.boot)
    while true {
      let (newest, record) = try Self.newest(directory)
      switch watch.see(newest, record, isLocked: lock != nil, now: clock()) {
      case .refuse(let record): throw FolderLock.refusal(directory.place, record)
      case .wait: pause()
      case .take(let generation):
        let now = clock()
        guard let lock, try Self.create(directory, generation, owner) else { continue }
        self.lock = lock
        self.generation = generation
        state = Monitor(State(record: owner, renewed: now))
        return
      }
    }
  }

  /// Whether this process may still act as the owner: false for good once it could not renew the lease in time, or
  /// another has taken it.
  public var isHeld: Bool {
    let now = clock()
    return state.withLock { state in
      if now >= state.renewed + (LeaseWatch.duration - LeaseWatch.margin) { state.isLost = true }
      return !state.isLost
    }
  }

  /// Every two seconds. What cannot be written is tried again the next time, until it is too late.
  ///
  /// - Returns: `isHeld`.
  public func renew() -> Bool {
    guard isHeld else { return false }
    let now = clock()
    let record = state.withLock { state in
      state.record.counter += 1
      return state.record
    }
    guard (try? isNewest()) == true, (try? write(record)) != nil else { return isHeld }
    state.withLock { if !$0.isLost { $0.renewed = now } }
    return isHeld
  }

  /// The process ends in order: another one, on any machine, need not wait.
  public func release() {
    let record: LeaseRecord? = state.withLock { state in
      defer { state.isLost = true }
      if state.isLost { return nil }
      state.record.released = true
      return state.record
    }
    if let record { try? write(record) }
  }

  /// Whether no other process has taken the directory since.
  func isNewest() throws(Failure) -> Bool {
    let newest = try Self.newest(directory).generation
    if newest != generation { state.withLock { $0.isLost = true } }
    return newest == generation
  }

  private func write(_ record: LeaseRecord) throws(Failure) {
    let path = Self.path(directory, generation)
    try directory.steps { () throws(StorageProblem) in
      // In one step, so that nobody reads half of it.
      try directory.storage.write(record.bytes, to: "\(path).tmp", onlyNew: false)
      try directory.storage.rename("\(path).tmp", to: path)
    }
  }

  private static func folder(_ directory: CheckpointDirectory) -> String { "\(directory.path)/lease" }

  private static func path(_ directory: CheckpointDirectory, _ generation: Generation) -> String {
    "\(folder(directory))/\(generation.number)"
  }

  private static func newest(
    _ directory: CheckpointDirectory
  ) throws(Failure) -> (generation: Generation?, record: LeaseRecord?) {
    try directory.steps { () throws(StorageProblem) in
      let numbers = try directory.storage.entries(folder(directory)).compactMap { UInt64($0) }
      guard let newest = numbers.max().map({ Generation($0) }) else { return (nil, nil) }
      let bytes = try? directory.storage.read(path(directory, newest))
      return (newest, bytes.flatMap { LeaseRecord($0) })
    }
  }

  /// False when another was quicker.
  private static func create(
    _ directory: CheckpointDirectory, _ generation: Generation, _ owner: LeaseRecord
  ) throws(Failure) -> Bool {
    try directory.steps { () throws(StorageProblem) in
      do throws(StorageProblem) {
        try directory.storage.write(owner.bytes, to: path(directory, generation), onlyNew: true)
      } catch {
        if error.isTaken { return false }
        throw error
      }
      // A generation is never given twice, whatever is lost in a crash.
      try directory.storage.syncFolder(folder(directory))
      for name in try directory.storage.entries(folder(directory)) {
        let number = name.prefix { $0 != "." }
        if let former = UInt64(number), former < generation.number {
          try? directory.storage.remove("\(folder(directory))/\(name)")
        }
      }
      return true
    }
  }

  /// What to say when this process is the owner no longer: `unavailable` when another has the directory, `io` and to be tried
  /// again when none has taken it, but could have, as this process did not get to renew its lease in time.
  public func refusal() -> Failure {
    let newest = try? Self.newest(directory)
    if let newest, newest.generation != generation { return FolderLock.refusal(directory.place, newest.record) }
    let seconds = (LeaseWatch.duration - LeaseWatch.margin) / 1_000_000_000
    return Failure(
      .io, retryable: true,
      "\(directory.place): was not renewed for \(seconds) s, after which it might be another's: this process or its disk stood "
        + "still; whoever starts again goes on from the last epoch")
  }

  /// The newest owner's record, for those who only look.
  public static func owner(of directory: CheckpointDirectory) -> LeaseRecord? {
    (try? newest(directory))?.record
  }
}
