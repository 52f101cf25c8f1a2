import Arrow
import Base
import CPlatform
import Checkpointing
import Connectors
import Glibc
import Keys
import State
import VolleyPlan

/// An operator's state as an epoch has it, entry by entry, without the plugin and beside a job that runs.
struct StateReader {
  /// One entry, its parts as JSON.
  struct Entry {
    var table: String
    /// Key and namespace: what tells it from others of its table.
    var address: String
    /// The whole line.
    var line: String
  }

  private let directory: CheckpointDirectory
  private let manifest: Manifest
  private let stage: Manifest.Stage

  init(_ directory: CheckpointDirectory, _ manifest: Manifest, uid: String) throws(Failure) {
    self.directory = directory
    self.manifest = manifest
    let stateful = manifest.stages.filter { stage in stage.tables.contains { !$0.name.hasPrefix("$") } }
    guard let stage = stateful.first(where: { $0.id == uid }) else {
      throw Failure(
        .usage,
        "\(manifest.epoch.name) has no state of '\(uid)', "
          + (stateful.isEmpty
            ? "nor of any operator" : "only of \(namesNearestFirst(to: uid, among: stateful.map(\.id)))"))
    }
    self.stage = stage
  }

  /// The parts of the state that are the operator's own, or the one named.
  func tables(_ name: String?) throws(Failure) -> [StateTable] {
    let all = stage.tables.map(\.stateTable)
    guard let name else { return all.filter { !$0.name.hasPrefix("$") } }
    guard let table = all.first(where: { $0.name == name }) else {
      throw Failure(
        .usage,
        "the state of '\(stage.id)' has no part '\(name)', only \(namesNearestFirst(to: name, among: all.map(\.name)))")
    }
    return [table]
  }

  /// Gives every entry of some tables: subtask by subtask, of each the tables in order, of each its entries in the order of their
  /// keys.
  func read(_ tables: [StateTable], _ give: (Entry) throws(Failure) -> Void) throws(Failure) {
    let all = stage.tables.map(\.stateTable)
    let scratch = try Self.scratch(directory)
    defer { _ = platform_remove_tree(scratch) }
    let memory = StateMemoryShares(byteCount: 64 << 20)
    for (index, subtask) in stage.subtasks.enumerated() where !subtask.files.isEmpty {
      let part = StatePart(subtask: index, parallelism: stage.parallelism, maxKeyGroups: manifest.maxKeyGroups)
      let files = subtask.files.map { file in
        StateFile(name: file.name, path: directory.path(of: file.content), byteCount: Int(file.size))
      }
      let database = try StateDatabase.restore(
        at: "\(scratch)/\(index)", tables: all, part: part, from: [StateOrigin(part: part, files: files)],
        memory: memory)
      for table in tables {
        guard let place = all.firstIndex(of: table) else { continue }
        try database.scan(table: place) { batch throws(Failure) in
          try Self.entries(of: batch, table, give)
        }
      }
    }
  }

  private static func entries(
    of batch: RecordBatch, _ table: StateTable, _ give: (Entry) throws(Failure) -> Void
  ) throws(Failure) {
    var columns = batch.columns[...]
    var parts: [(String, [Field], [Column])] = []
    for (name, fields) in [("key", table.key), ("namespace", table.namespace), ("value", table.value)] {
      parts.append((name, fields, Array(columns.prefix(fields.count))))
      columns = columns.dropFirst(fields.count)
    }
    func lines(_ part: (String, [Field], [Column])) throws(Failure) -> [Substring] {
      guard !part.1.isEmpty else { return [Substring](repeating: "{}", count: batch.length) }
      let rows = RecordBatch(schema: Schema(part.1), columns: part.2, length: batch.length)
      do throws(Failure) {
        return String(decoding: try JSONLines.text(of: rows), as: UTF8.self).split(separator: "\n")
      } catch { throw error.within("part '\(table.name)' of the state") }
    }
    let (keys, namespaces, values) = (try lines(parts[0]), try lines(parts[1]), try lines(parts[2]))
    let name = JSONValue.string(table.name).text
    for row in 0..<batch.length {
      var address = table.key.isEmpty ? "" : ",\"key\":\(keys[row])"
      if !table.namespace.isEmpty { address += ",\"namespace\":\(namespaces[row])" }
      try give(
        Entry(
          table: table.name, address: address, line: "{\"table\":\(name)\(address),\"value\":\(values[row])}"))
    }
  }

  /// A folder for databases that are opened: beside the files, so that they are linked and not copied, or where nothing can be made there,
  /// among temporary files. What processes left that are gone is removed.
  private static func scratch(_ directory: CheckpointDirectory) throws(Failure) -> String {
    let prefix = "look-"
    for name in (try? directory.storage.entries(directory.path)) ?? [] where name.hasPrefix(prefix) {
      guard let pid = pid_t(name.dropFirst(prefix.count)), kill(pid, 0) != 0, errno == ESRCH else { continue }
      _ = platform_remove_tree("\(directory.path)/\(name)")
    }
    let name = "\(prefix)\(getpid())"
    let beside = "\(directory.path)/\(name)"
    if mkdir(beside, 0o700) == 0 { return beside }
    let temporary = "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/volley-\(name)"
    guard mkdir(temporary, 0o700) == 0 else {
      throw Failure(
        .io, "no folder can be made in \(directory.path) nor at \(temporary): \(systemError(errno)); set TMPDIR")
    }
    return temporary
  }
}
