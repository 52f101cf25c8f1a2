import Base
import Checkpointing
import Dataflow
import State

/// The epoch that a job goes on from, asked by the names that its stages have now.
struct EpochOrigin: Sendable {
  let directory: CheckpointDirectory
  /// Nil: the job begins empty.
  let manifest: Manifest?
  /// By a stage's id, what the manifest calls it; without an entry it starts empty.
  let names: [String: String]
  /// Newer epochs that are damaged, of which the manifests can be read.
  var broken: [Manifest] = []

  var epoch: Epoch { manifest?.epoch ?? Epoch(0) }

  /// What the manifest has of a stage.
  private func stage(_ id: String) -> Manifest.Stage? {
    // What has no uid has a name with a space in it.
    guard let origin = id.contains(" ") ? id : names[id] else { return nil }
    return manifest?.stage(origin)
  }

  func positions(of place: StagePlace) -> [SplitPosition]? {
    guard let stage = stage(place.id), stage.role == .source else { return nil }
    return stage.splitPositions
  }

  func transactions(of place: StagePlace) -> (own: [SinkTransaction], all: [SinkTransaction]) {
    guard let stage = stage(place.id), stage.role == .sink else { return ([], []) }
    var own: [SinkTransaction] = []
    var all: [SinkTransaction] = []
    for (index, subtask) in stage.subtasks.enumerated() {
      let transactions = subtask.transactions.map { SinkTransaction($0) }
      all += transactions
      if index % place.parallelism == place.subtask { own += transactions }
    }
    return (own, all)
  }

  /// What a sink has shown in the epochs that are broken.
  func lostTransactions(of place: StagePlace) -> [SinkTransaction] {
    guard !broken.isEmpty, manifest != nil else { return [] }
    // A sink that has ended has the same ones in every epoch.
    let kept = Set((stage(place.id)?.subtasks ?? []).flatMap(\.transactions))
    return brokenStages(place.id, .sink).flatMap(\.subtasks).flatMap(\.transactions).filter { !kept.contains($0) }
      .map { SinkTransaction($0) }
  }

  /// How far a source was read in the epochs that are broken, but for what is as in the epoch that is gone on from.
  func lostPositions(of place: StagePlace) -> [SplitPosition] {
    guard !broken.isEmpty, manifest != nil else { return [] }
    let kept = Set(positions(of: place) ?? [])
    return Set(brokenStages(place.id, .source).flatMap(\.splitPositions)).subtracting(kept).sorted {
      $0.split < $1.split
    }
  }

  /// A stage in the epochs that are broken. They may be of another version of the pipeline than the epoch that is gone on from: of
  /// the one that has the stage's present name already.
  private func brokenStages(_ id: String, _ role: Manifest.Stage.Role) -> [Manifest.Stage] {
    let candidates = [names[id], id].compactMap { $0 }
    return broken.compactMap { manifest in candidates.lazy.compactMap { manifest.stage($0) }.first { $0.role == role } }
  }

  /// Makes a subtask's database, and says whether it goes on from that of the epoch.
  ///
  /// - Parameters:
  ///   - folder: of this database alone.
  ///   - maxKeyGroups: of the job.
  func open(
    _ place: StagePlace, _ tables: [StateTable], at folder: String, maxKeyGroups: Int, memory: StateMemoryShares
  ) throws(Failure) -> (database: StateDatabase, goesOn: Bool) {
    let part = StatePart(subtask: place.subtask, parallelism: place.parallelism, maxKeyGroups: maxKeyGroups)
    guard let origins = stateOrigins(of: place.id) else {
      return (try .create(at: folder, tables: tables, part: part, memory: memory), false)
    }
    return (try .restore(at: folder, tables: tables, part: part, from: origins, memory: memory), true)
  }

  /// What the subtasks of an operator left in the epoch; nil when it starts empty.
  private func stateOrigins(of id: String) -> [StateOrigin]? {
    guard let stage = stage(id), stage.role == .operator, let manifest else { return nil }
    return stage.subtasks.enumerated().map { index, subtask in
      StateOrigin(
        part: StatePart(subtask: index, parallelism: stage.parallelism, maxKeyGroups: manifest.maxKeyGroups),
        files: subtask.files.map {
          StateFile(name: $0.name, path: directory.path(of: $0.content), byteCount: Int($0.size))
        })
    }
  }

  /// A name that every file system has: other bytes than letters, digits, '-' and '_' in hexadecimal.
  static func folderName(_ id: String) -> String {
    id.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }.joined()
  }
}

extension Manifest.Stage {
  /// Where a source's splits stood.
  var splitPositions: [SplitPosition] {
    subtasks.flatMap { subtask in
      subtask.positions.map { SplitPosition(split: $0.split, position: $0.position) }
    }
  }
}
