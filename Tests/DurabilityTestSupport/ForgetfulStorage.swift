import Checkpointing
import Glibc
import TestSupport

/// A file system in memory that loses at a crash what was not synced: the content of files, and the names in folders,
/// each for itself. Steps can be told to fail, to be the last before the crash, and syncs to do nothing.
public final class ForgetfulStorage: Storage, @unchecked Sendable {  // Used by one thread.
  public final class File {
    public internal(set) var content: [UInt8]
    /// Nil: never synced.
    var durable: [UInt8]?
    init(_ content: [UInt8]) { self.content = content }
  }
  final class Folder {
    var entries: [String: Node] = [:]
    var durable: [String: Node] = [:]
    /// Names that came or went since the last sync, in order.
    var changes: [(String, Node?)] = []

    func set(_ name: String, _ node: Node?) {
      entries[name] = node
      changes.append((name, node))
    }
  }
  enum Node {
    case file(File)
    case folder(Folder)
  }

  /// What survives of what was not synced.
  public enum Loss: Sendable { case everything, nothing, random }

  public static let crashCode: Int32 = 9999
  var root = Folder()
  /// Steps that change something, so far.
  public private(set) var steps = 0
  /// The power fails instead of this step.
  public var crashAt: Int?
  /// From this step on, as many fail with this code; only those that need room when it is ENOSPC.
  public var failures: (from: Int, count: Int, code: Int32)?
  /// Syncs of this kind do nothing.
  public var skippedSync: String?
  /// Kinds of syncs that were seen.
  public private(set) var syncKinds: [String] = []
  public var hasLinks = true
  /// Called before each step with the path that it changes: what another process does in between.
  public var beforeStep: ((String) -> Void)?
  public private(set) var isCrashed = false
  private var former = ""
  public var generator: SeededGenerator

  public init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  // MARK: Crashes

  /// The machine starts again.
  public func restart(_ loss: Loss) {
    if loss != .nothing { root = survived(root, loss) }
    isCrashed = false
    (crashAt, failures) = (nil, nil)
    steps = 0
  }

  private func survived(_ folder: Folder, _ loss: Loss) -> Folder {
    var names = folder.durable
    if loss == .random {
      for (name, node) in folder.changes where Bool.random(using: &generator) { names[name] = node }
    }
    let result = Folder()
    for (name, node) in names.sorted(by: { $0.key < $1.key }) {
      switch node {
      case .folder(let folder): result.entries[name] = .folder(survived(folder, loss))
      case .file(let file):
        // Every name of a file has the same content.
        if file.durable != file.content {
          file.content = loss == .everything ? file.durable ?? [] : torn(file)
          file.durable = file.content
        }
        result.entries[name] = .file(file)
      }
    }
    result.durable = result.entries
    return result
  }

  private func torn(_ file: File) -> [UInt8] {
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return file.content
    case 1: return file.durable ?? []
    case 2: return Array(file.content.prefix(Int.random(in: 0...file.content.count, using: &generator)))
    default:
      var bytes = file.content
      let start = Int.random(in: 0...bytes.count, using: &generator)
      for index in start..<min(bytes.count, start + 40) { bytes[index] = 0 }
      return bytes
    }
  }

  /// One that changes nothing cannot be told from others, and is none.
  private func step(_ step: StorageProblem.Step, _ path: String) throws(StorageProblem) {
    beforeStep?(path)
    if isCrashed || steps == crashAt {
      isCrashed = true
      throw StorageProblem(step, path, code: Self.crashCode)
    }
    defer { steps += 1 }
    if let failures, steps >= failures.from, steps < failures.from + failures.count {
      let needsRoom = step == .write || step == .makeFolder || step == .link
      if failures.code != ENOSPC || needsRoom { throw StorageProblem(step, path, code: failures.code) }
    }
  }

  private func look(_ step: StorageProblem.Step, _ path: String) throws(StorageProblem) {
    if isCrashed { throw StorageProblem(step, path, code: Self.crashCode) }
  }

  // MARK: Names

  private func split(_ path: String) -> (parent: String, name: String) {
    let parts = path.split(separator: "/")
    return (parts.dropLast().map { "/\($0)" }.joined(), String(parts.last ?? ""))
  }

  private func node(_ path: String) -> Node? {
    var node = Node.folder(root)
    for part in path.split(separator: "/") {
      guard case .folder(let folder) = node, let next = folder.entries[String(part)] else { return nil }
      node = next
    }
    return node
  }

  private func folder(_ path: String, _ step: StorageProblem.Step) throws(StorageProblem) -> Folder {
    guard let node = node(path) else { throw StorageProblem(step, path, code: ENOENT) }
    guard case .folder(let folder) = node else { throw StorageProblem(step, path, code: ENOTDIR) }
    return folder
  }

  public func file(_ path: String, _ step: StorageProblem.Step = .read) throws(StorageProblem) -> File {
    guard let node = node(path) else { throw StorageProblem(step, path, code: ENOENT) }
    guard case .file(let file) = node else { throw StorageProblem(step, path, code: EISDIR) }
    return file
  }

  private func newPlace(
    _ path: String, _ step: StorageProblem.Step
  ) throws(StorageProblem) -> (Folder, String) {
    let (parent, name) = split(path)
    let folder = try folder(parent, step)
    if folder.entries[name] != nil { throw StorageProblem(step, path, code: EEXIST) }
    return (folder, name)
  }

  // MARK: Storage

  public func makeFolder(_ path: String) throws(StorageProblem) {
    try step(.makeFolder, path)
    former = "make \(Self.kind(path))"
    do throws(StorageProblem) {
      let (folder, name) = try newPlace(path, .makeFolder)
      folder.set(name, .folder(Folder()))
    } catch {
      if error.code == EEXIST { former += " (there)" }
      throw error
    }
  }

  public func removeFolder(_ path: String) throws(StorageProblem) {
    try step(.remove, path)
    former = "remove"
    guard try folder(path, .remove).entries.isEmpty else { throw StorageProblem(.remove, path, code: ENOTEMPTY) }
    let (parent, name) = split(path)
    try folder(parent, .remove).set(name, nil)
  }

  public func write(_ bytes: [UInt8], to path: String, onlyNew: Bool) throws(StorageProblem) {
    var problem: StorageProblem?
    do throws(StorageProblem) { try step(.write, path) } catch { problem = error }
    // Half of it is written when the disk is full or the power fails.
    if let problem, problem.code != ENOSPC, problem.code != Self.crashCode || steps != crashAt { throw problem }
    former = "write"
    let written = problem == nil ? bytes : Array(bytes.prefix(bytes.count / 2))
    if !onlyNew, let known = try? file(path, .write) {
      known.content = written
    } else {
      let (folder, name) = try newPlace(path, .write)
      folder.set(name, .file(File(written)))
    }
    if let problem { throw problem }
  }

  public func syncFile(_ path: String) throws(StorageProblem) {
    try step(.sync, path)
    let file = try file(path, .sync)
    if isSkipped("file \(Self.kind(path))") { return }
    file.durable = file.content
  }

  public func syncFolder(_ path: String) throws(StorageProblem) {
    try step(.sync, path)
    let folder = try folder(path, .sync)
    if isSkipped("folder \(Self.kind(path)) after \(former)") { return }
    folder.durable = folder.entries
    folder.changes = []
  }

  private func isSkipped(_ kind: String) -> Bool {
    if !syncKinds.contains(kind) { syncKinds.append(kind) }
    return kind == skippedSync
  }

  /// A path without what differs from one call to the next.
  private static func kind(_ path: String) -> String {
    var path = path
    if path.split(separator: "/").last?.utf8.count == 32 { return "content" }
    path = String(path.map { $0.isNumber ? "#" : $0 })
    while let double = path.firstRange(of: "##") { path.replaceSubrange(double, with: "#") }
    return path
  }

  public func link(_ path: String, to new: String) throws(StorageProblem) {
    try step(.link, new)
    former = "link"
    let file = try file(path, .link)
    if !hasLinks { throw StorageProblem(.link, new, code: EOPNOTSUPP) }
    let (folder, name) = try newPlace(new, .link)
    folder.set(name, .file(file))
  }

  public func rename(_ path: String, to new: String) throws(StorageProblem) {
    try step(.rename, new)
    former = "rename"
    let file = try file(path, .rename)
    let (parent, name) = split(new)
    let (formerParent, formerName) = split(path)
    // One change, as long as it is in one folder; between two, either may be lost.
    try folder(parent, .rename).set(name, .file(file))
    try folder(formerParent, .rename).set(formerName, nil)
  }

  public func remove(_ path: String) throws(StorageProblem) {
    try step(.remove, path)
    former = "remove"
    _ = try file(path, .remove)
    let (parent, name) = split(path)
    try folder(parent, .remove).set(name, nil)
  }

  public func copy(_ path: String, to new: String) throws(StorageProblem) {
    let file = try file(path, .read)
    try write(file.content, to: new, onlyNew: true)
  }

  public func entries(_ path: String) throws(StorageProblem) -> [String] {
    try look(.read, path)
    return try Array(folder(path, .read).entries.keys)
  }

  public func size(_ path: String) throws(StorageProblem) -> Int64? {
    try look(.read, path)
    guard case .file(let file)? = node(path) else { return nil }
    return Int64(file.content.count)
  }

  public func read(_ path: String, _ piece: (UnsafeRawBufferPointer) -> Void) throws(StorageProblem) {
    try look(.read, path)
    try file(path).content.withUnsafeBytes { piece($0) }
  }
}
