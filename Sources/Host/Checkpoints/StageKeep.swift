import Base
import CPlatform
import Checkpointing
import Dataflow
import Glibc
import State

/// One stage of the job, and what its subtasks have added to the epoch that is under way.
///
/// Set up by the thread that starts the job, then used by that of the epochs.
final class StageKeep {
  let id: String
  let label: String
  let role: Manifest.Stage.Role
  let parallelism: Int
  let isTransactional: Bool
  let tables: [StateTable]
  /// By subtask; nil: not yet. Of an epoch, then after the subtask's end.
  var parts: [Manifest.Subtask?]
  var lastParts: [Manifest.Subtask?]
  /// By subtask of an operator.
  var databases: [SubtaskDatabase?]

  init(_ part: StagePart) {
    id = part.place.id
    label = part.label
    parallelism = part.place.parallelism
    switch part.kind {
    case .source: (role, isTransactional, tables) = (.source, false, [])
    case .state(let tables): (role, isTransactional, self.tables) = (.operator, false, tables)
    case .sink(let transactional): (role, isTransactional, tables) = (.sink, transactional, [])
    }
    parts = [Manifest.Subtask?](repeating: nil, count: parallelism)
    lastParts = parts
    databases = [SubtaskDatabase?](repeating: nil, count: parallelism)
  }

  /// As the manifest of a whole epoch has it.
  var entry: Manifest.Stage {
    Manifest.Stage(
      // What has no uid has a name with a space in it.
      id: id, uid: id.contains(" ") ? nil : id, role: role, label: label, parallelism: parallelism,
      tables: tables.map { Manifest.Table($0) },
      subtasks: (0..<parallelism).map { parts[$0] ?? lastParts[$0] ?? Manifest.Subtask() })
  }
}

/// The database of one subtask, and those of its files that the checkpoint directory has.
final class SubtaskDatabase {
  private let database: StateDatabase
  private let folder: String
  private let isShared: Bool
  /// Immutable files by name: nothing has to be read to know them again.
  private var known: [String: Manifest.File] = [:]

  /// - Parameters:
  ///   - folder: the database's own.
  ///   - isShared: the operator reads it too, and waits for what it gave.
  init(_ database: StateDatabase, folder: String, isShared: Bool) {
    self.database = database
    self.folder = folder
    self.isShared = isShared
  }

  /// What was given is in the database, and in an epoch if it belongs to one; or something failed.
  func changesAreKept() { if isShared { database.changesAreKept() } }

  /// Nothing more is done with what is given.
  func abandon() { if isShared { database.abandon() } }

  /// After a failure the database is of no more use.
  func apply(_ changes: StateChanges) throws(Failure) { try database.apply(changes) }

  /// Brings what the database is made of into the checkpoint directory.
  func keep(in files: inout CheckpointFiles) throws(Failure) -> Manifest.Subtask {
    let staging = "\(folder).epoch"
    defer { _ = platform_remove_tree(staging) }
    var list: [Manifest.File] = []
    var next: [String: Manifest.File] = [:]
    for file in try database.checkpoint(into: staging) {
      if let known = known[file.name], file.isImmutable, files.has(known.content) {
        next[file.name] = known
        list.append(known)
        continue
      }
      let kept = try files.add(file.path, name: file.name, mayLink: file.isImmutable)
      if file.isImmutable { next[file.name] = kept }
      list.append(kept)
    }
    known = next
    return Manifest.Subtask(keyGroups: .init(database.part.groups), files: list)
  }
}

extension Manifest.Table {
  init(_ table: StateTable) {
    self.init(
      table.name, scope: table.scope == .key ? .key : .subtask, key: table.key, namespace: table.namespace,
      value: table.value)
  }

  var stateTable: StateTable {
    StateTable(name, scope: scope == .key ? .key : .subtask, key: key, namespace: namespace, value: value)
  }
}
