import Arrow
import Base
import State
import TestSupport
import Testing

@testable import Dataflow

/// Gives each place a database, and keeps what is given there as epochs: at once, or on a thread of its own.
///
/// For one thread.
// What threads of epochs write is behind a monitor.
final class DatabaseCheckpoints: JobCheckpoints, @unchecked Sendable {
  let folder: TemporaryFolder
  let former: [StateOrigin]
  let shares = StateMemoryShares(byteCount: 8 << 20)
  private(set) var databases: [StagePlace: StateDatabase] = [:]
  private let kept = Monitor<[StateOrigin]>([])
  private let number: Int
  /// Of epochs that are being kept.
  private var threads: [OSThread] = []
  private var epochs = 0
  /// Whether the next epochs are kept on threads of their own.
  var isLate: Bool

  /// - Parameters:
  ///   - former: the epoch to go on from.
  ///   - number: of the run in the folder.
  init(_ folder: TemporaryFolder, _ former: [StateOrigin], number: Int, isLate: Bool = false) {
    self.folder = folder
    self.former = former
    self.number = number
    self.isLate = isLate
  }

  /// The last epoch's databases, once it is kept.
  var origins: [StateOrigin] {
    settle()
    return kept.withLock { $0 }
  }

  /// Waits until all that was given is kept.
  func settle() {
    for thread in threads { thread.join() }
    threads = []
  }

  /// How many entries a table has in all databases.
  func entryCount(table: Int) throws(Failure) -> Int {
    var count = 0
    for database in databases.values { try database.scan(table: table) { count += $0.length } }
    return count
  }

  var lastEpoch: Epoch { Epoch(0) }
  func begin(_ parts: [StagePart]) {}
  func positions(of place: StagePlace) -> [SplitPosition]? { nil }
  func transactions(of place: StagePlace) -> (own: [SinkTransaction], all: [SinkTransaction]) { ([], []) }
  func committed(_ epoch: Epoch, of place: StagePlace) {}

  func restore(
    _ place: StagePlace, _ tables: [StateTable], _ give: (RecordBatch, Int) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    Issue.record("an operator that spills is given no entries")
    return false
  }

  func database(of place: StagePlace, _ tables: [StateTable]) throws(Failure) -> StateDatabase? {
    let path = folder.file("state-\(number)-\(place.subtask)")
    let part = StatePart(subtask: place.subtask, parallelism: place.parallelism)
    let database =
      former.isEmpty
      ? try StateDatabase.create(at: path, tables: tables, part: part, memory: shares)
      : try StateDatabase.restore(at: path, tables: tables, part: part, from: former, memory: shares)
    databases[place] = database
    return database
  }

  func take(_ snapshot: StageSnapshot, of place: StagePlace, epoch: Epoch) { keep(snapshot, place) }
  func end(_ snapshot: StageSnapshot, of place: StagePlace) { keep(snapshot, place) }

  private func keep(_ snapshot: StageSnapshot, _ place: StagePlace) {
    guard case .state(_, let changes) = snapshot, let database = databases[place] else {
      Issue.record("there is nothing but state")
      return
    }
    epochs += 1
    let (kept, folder) = (kept, folder.file("epoch-\(number)-\(epochs)"))
    let keep: @Sendable () -> Void = {
      do throws(Failure) {
        try database.apply(changes)
        let files = try database.checkpoint(into: folder)
        kept.withLock { origins in
          origins.removeAll { $0.part == database.part }
          origins.append(StateOrigin(part: database.part, files: files))
        }
      } catch { Issue.record(error) }
      database.changesAreKept()
    }
    if isLate {
      do throws(Failure) { threads.append(try OSThread(name: "epoch", keep)) } catch { Issue.record(error) }
    } else {
      keep()
    }
  }
}
