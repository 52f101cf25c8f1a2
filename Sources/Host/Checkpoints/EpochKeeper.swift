import Arrow
import Base
import Checkpointing
import Dataflow
import Observability
import State

/// Takes the epochs of a job on one machine: what its subtasks give becomes files and a manifest, on a thread of its
/// own.
///
/// Set up, and asked for what the job goes on from, by the thread that starts the job; then `run`. What the job's
/// threads tell waits in a mailbox. At most one epoch is under way, so at most one snapshot of a subtask waits there.
final class EpochKeeper: JobCheckpoints, @unchecked Sendable {  // See above; the mailbox is behind a monitor.
  enum Message {
    /// Of an epoch; nil: the stage has ended.
    case part(StageSnapshot, StagePlace, Epoch?)
    case committed(Epoch, StagePlace)
    case savepoint, stop
  }

  struct Mailbox {
    var messages: [Message] = []
    /// Nobody wants another epoch.
    var isClosed = false
    /// The thread is there.
    var isRunning = false
  }

  let directory: CheckpointDirectory
  let lease: DirectoryLease
  let stateFolder: String
  let subject: EpochSubject
  let rhythm: EpochRhythm
  let memory: StateMemoryShares
  let log: EventLog
  /// Told of every complete epoch, by the epochs' thread.
  let whenComplete: @Sendable (Manifest) -> Void
  /// What the job goes on from.
  let origin: EpochOrigin
  let lastEpoch: Epoch
  var restoredEpoch: Epoch { origin.epoch }

  var files: CheckpointFiles
  /// In the order in which they were told.
  var stages: [StageKeep] = []
  var stageIndex: [String: Int] = [:]
  /// One whose rows do not come again, if the job has any: "source 'lines'".
  var sourceWithoutReplay: String?
  var coordinator: EpochCoordinator?
  /// When the epoch that is under way began, and why it was given up, if it was.
  var begun = MonotonicTime(nanoseconds: 0)
  var reason: String?
  /// The job has ended: no epoch begins any more.
  var isClosing = false
  let mailbox = Monitor(Mailbox())
  let counted = Monitor(EpochCounts())

  /// - Parameters:
  ///   - stateFolder: empty but for its lock.
  ///   - origins: by a stage's id, what `taken.manifest` calls it.
  init(
    _ directory: CheckpointDirectory, lease: DirectoryLease, taken: TakenOver, stateFolder: String,
    subject: EpochSubject, rhythm: EpochRhythm, origins: [String: String], memory: StateMemoryShares, log: EventLog,
    whenComplete: @escaping @Sendable (Manifest) -> Void = { _ in }
  ) {
    self.directory = directory
    self.lease = lease
    self.stateFolder = stateFolder
    self.subject = subject
    self.rhythm = rhythm
    self.memory = memory
    self.log = log
    self.whenComplete = whenComplete
    origin = EpochOrigin(directory: directory, manifest: taken.manifest, names: origins, broken: taken.broken)
    lastEpoch = taken.lastEpoch
    files = taken.files
    if let manifest = taken.manifest {
      counted.withLock { $0.newest = EpochCounts.Newest(manifest, completed: nil) }
    }
  }

  // MARK: From any thread

  func take(_ snapshot: StageSnapshot, of place: StagePlace, epoch: Epoch) { post(.part(snapshot, place, epoch)) }

  func end(_ snapshot: StageSnapshot, of place: StagePlace) { post(.part(snapshot, place, nil)) }

  func committed(_ epoch: Epoch, of place: StagePlace) { post(.committed(epoch, place)) }

  /// What was done so far.
  var counts: EpochCounts { counted.withLock { $0 } }

  /// An epoch is to be taken soon, and kept for ever.
  func takeSavepoint() { post(.savepoint) }

  /// An epoch is to be taken, and the job to end behind it.
  func stop() { post(.stop) }

  private func post(_ message: Message) {
    mailbox.withLock { $0.messages.append(message) }
    mailbox.broadcast()
  }

  /// Begins to take epochs of a job that was started.
  func run(_ job: Job) {
    mailbox.withLock { $0.isRunning = true }
    startThread(named: "epochs") { [self] in
      follow(job)
      mailbox.withLock { $0.isRunning = false }
      mailbox.broadcast()
    }
  }

  /// The job has ended: takes no more epochs, and returns when what is under way is done.
  func close() {
    mailbox.withLock { $0.isClosed = true }
    mailbox.broadcast()
    mailbox.wait { box -> Void? in box.isRunning ? nil : () }
    for stage in stages {
      for database in stage.databases { database?.abandon() }
      stage.databases = []
    }
  }
}
