import Base
import Checkpointing
import State
import VolleyPlan

/// `volley-host state get|scan|diff`: keys and values of an epoch as JSON lines.
struct StateCommand {
  static let words = ["get", "scan", "diff"]

  private let directory: CheckpointDirectory
  private let word: String
  private let uid: String
  private let table: String?
  private let key: JSONValue?
  private let epoch: Epoch?
  private let before: Epoch?

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: LookFlags.state, verb: "state", environment: environment)
    word = try flags.word(of: "state", among: Self.words)
    let place = "state \(word)"
    if word != "diff" { try flags.refuse([LookFlags.before.entry], in: place) }
    if word == "scan" { try flags.refuse([LookFlags.key.entry], in: place) }
    guard let uid = try flags.value(LookFlags.uid) else {
      throw Failure(.usage, "--uid is missing: name the operator whose state is shown; 'checkpoints show' lists them")
    }
    self.uid = uid
    let key = try flags.value(LookFlags.key)
    if word == "get", key == nil {
      throw Failure(.usage, "--key is missing: 'state get' shows one key, 'state scan' all")
    }
    // Text need not be quoted.
    self.key = key.map { text in (try? JSONValue.parse(Array(text.utf8))) ?? .string(text) }
    table = try flags.value(LookFlags.table)
    epoch = try flags.value(LookFlags.epoch)
    before = try flags.value(LookFlags.before)
    directory = try flags.checkpointDirectory(place)
  }

  func run() throws(Failure) {
    let manifest = try directory.chosen(epoch)
    let reader = try StateReader(directory, manifest, uid: uid)
    let tables = try chosenTables(reader)
    if word == "diff" { return try diff(manifest, reader, tables) }
    var isEmpty = true
    try reader.read(tables) { entry throws(Failure) in
      guard try isWanted(entry) else { return }
      isEmpty = false
      try printLine(entry.line)
    }
    // Beside the lines, which a program may read: nobody should wonder whether the verb worked.
    if isEmpty { complain(nothing(in: manifest)) }
  }

  /// Why there are no lines.
  private func nothing(in manifest: Manifest) -> String {
    let what = "\(manifest.epoch.name) has nothing of '\(uid)'" + (key == nil ? "" : " with that key")
    let sources = manifest.stages.filter { $0.role == .source }.flatMap(\.subtasks)
    let hasEnded = !sources.isEmpty && sources.allSatisfy { $0.hasEnded == true }
    return hasEnded ? what + ": its input had ended, and operators keep nothing after that" : what
  }

  private func chosenTables(_ reader: StateReader) throws(Failure) -> [StateTable] {
    let tables = try reader.tables(table)
    guard let key else { return tables }
    let keyed = tables.filter { !$0.key.isEmpty }
    guard let first = keyed.first else { throw Failure(.usage, "the state of '\(uid)' has no keys; leave out --key") }
    if case .object(let members) = key {
      for name in first.key.map(\.name) where !members.contains(where: { $0.name == name }) {
        throw Failure(.usage, "--key has no '\(name)'; the key is (\(Self.list(first.key)))")
      }
      for member in members where !first.key.contains(where: { $0.name == member.name }) {
        throw Failure(.usage, "--key has '\(member.name)', and the key is (\(Self.list(first.key)))")
      }
    } else if first.key.count != 1 {
      throw Failure(
        .usage,
        "--key is one value, and the key is (\(Self.list(first.key))); write an object such as {\"\(first.key[0].name)\": …}"
      )
    }
    return keyed
  }

  private func isWanted(_ entry: StateReader.Entry) throws(Failure) -> Bool {
    guard let key else { return true }
    guard let line = try? JSONValue.parse(Array(entry.line.utf8)), case .object(let found)? = line["key"] else {
      return false
    }
    if case .object(let wanted) = key {
      return wanted.allSatisfy { member in found.contains { $0.name == member.name && $0.value == member.value } }
    }
    return found.count == 1 && found[0].value.isLike(key)
  }

  /// What is in one epoch and not, or otherwise, in the other.
  private func diff(_ manifest: Manifest, _ reader: StateReader, _ tables: [StateTable]) throws(Failure) {
    let former = try former(of: manifest)
    let formerReader = try StateReader(directory, former, uid: uid)
    // The older epoch is held in memory, the newer one goes by.
    var old: [String: String] = [:]
    try formerReader.read(try chosenTables(formerReader)) { entry throws(Failure) in
      if try isWanted(entry) { old[entry.table + entry.address] = entry.line }
    }
    try reader.read(tables) { entry throws(Failure) in
      guard try isWanted(entry) else { return }
      switch old.removeValue(forKey: entry.table + entry.address) {
      case nil: try printLine(Self.change("added", entry.line))
      case entry.line?: break
      case let was?: try printLine(Self.change("changed", entry.line, was: was))
      }
    }
    for key in old.keys.sorted() { if let line = old[key] { try printLine(Self.change("removed", line)) } }
  }

  private func former(of manifest: Manifest) throws(Failure) -> Manifest {
    if let before { return try directory.manifest(before) }
    guard let former = Recovery.line(try directory.epochs()).first(where: { $0.epoch < manifest.epoch }) else {
      throw Failure(
        .noInput, "\(directory.place): has no complete epoch before \(manifest.epoch.name); name one with --before")
    }
    return former
  }

  private static func change(_ what: String, _ line: String, was: String? = nil) -> String {
    let former = was.flatMap { try? JSONValue.parse(Array($0.utf8)) }?["value"].map { ",\"before\":\($0.text)" } ?? ""
    return "{\"change\":\"\(what)\",\(line.dropFirst().dropLast())\(former)}"
  }

  private static func list(_ fields: [Field]) -> String { fields.map(\.description).joined(separator: ", ") }
}

extension JSONValue {
  /// Equal, or a text that was given without quotes and looks like something else.
  fileprivate func isLike(_ given: JSONValue) -> Bool {
    if self == given { return true }
    if case .string(let text) = self { return text == given.text }
    return false
  }
}
