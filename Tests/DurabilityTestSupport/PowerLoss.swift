import Base
import Glibc
import SyncWatch
import TestSupport

/// A folder on a disk that forgets when the power fails what was not synced: the bytes of files, and the names in folders, each for itself.
///
/// What is synced is noted by standing before `fsync`; the files themselves are real.
public final class PowerLoss: @unchecked Sendable {  // `state` is behind its monitor; the rest is used by one thread.
  public enum Loss: Sendable { case everything, random }

  private struct State {
    var files: [UInt64: [UInt8]] = [:]
    /// By path: the names that are in it for good.
    var folders: [String: [String: UInt64]] = [:]
    /// Syncs of this kind do nothing.
    var skipped: String?
    var kinds: Set<String> = []
    var phase = ""
  }

  public let root: String
  private let state: Monitor<State>
  private static let all = Monitor<[String: PowerLoss]>([:])

  /// What is in the folder at first is there for good.
  public init(_ root: String, skipping kind: String? = nil) {
    self.root = root
    state = Monitor(State(skipped: kind))
    Self.all.withLock { $0[root] = self }
    keepAll()
    sync_watch_set { _, path in
      guard let path else { return 0 }
      let text = String(cString: path)
      let watch = PowerLoss.all.withLock { all in all.first { text == $0.key || text.hasPrefix("\($0.key)/") }?.value }
      guard let watch else { return 0 }
      watch.synced(text)
      return 1
    }
  }

  /// No longer watched.
  public func end() { Self.all.withLock { $0[root] = nil } }

  /// What the sinks are asked to do from here on: a part of the kind of a sync.
  public var phase: String {
    get { state.withLock { $0.phase } }
    set { state.withLock { $0.phase = newValue } }
  }

  /// Kinds of syncs that were seen.
  public var kinds: Set<String> { state.withLock { $0.kinds } }

  private func synced(_ path: String) {
    guard let status = Self.status(path) else { return }
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    state.withLock { state in
      let kind = "\(isFolder ? "folder" : "file") in \(state.phase)"
      state.kinds.insert(kind)
      if kind == state.skipped { return }
      if isFolder {
        state.folders[path] = Self.names(path)
      } else {
        // What is in a pipe is nobody's but its reader's.
        let isFile = status.st_mode & S_IFMT == S_IFREG
        state.files[UInt64(status.st_ino)] = isFile ? TestProcess.contents(of: path) ?? [] : []
      }
    }
  }

  /// The machine starts again.
  public func fail(_ loss: Loss, _ generator: inout SeededGenerator) {
    let (files, folders) = state.withLock { ($0.files, $0.folders) }
    // All files by their numbers, out of the way; those keep their numbers.
    let aside = "\(root).aside"
    mkdir(aside, 0o700)
    var current: [String: [String: UInt64]] = [:]
    Self.visit(root) { path in
      current[path] = Self.names(path)
      for (name, number) in Self.names(path) where Self.isFile("\(path)/\(name)") {
        link("\(path)/\(name)", "\(aside)/\(number)")
      }
    }
    for name in Self.names(root).keys { _ = TestProcess.run(["rm", "-rf", "\(root)/\(name)"]) }
    var torn: Set<UInt64> = []
    func build(_ path: String) {
      let isNew = loss == .random && Bool.random(using: &generator)
      let names = (isNew ? current[path] : nil) ?? folders[path] ?? [:]
      for (name, number) in names.sorted(by: { $0.key < $1.key }) {
        let own = "\(path)/\(name)"
        if current[own] != nil || folders[own] != nil {
          mkdir(own, 0o777)
          build(own)
          continue
        }
        let kept = "\(aside)/\(number)"
        if !torn.contains(number) {
          torn.insert(number)
          let isWhole = loss == .random && access(kept, F_OK) == 0 && Bool.random(using: &generator)
          if !isWhole { Self.write(files[number] ?? [], to: kept) }
        }
        link(kept, own)
      }
    }
    build(root)
    _ = TestProcess.run(["rm", "-rf", aside])
    keepAll()
  }

  /// All that is there is there for good.
  private func keepAll() {
    var kept: (files: [UInt64: [UInt8]], folders: [String: [String: UInt64]]) = ([:], [:])
    Self.visit(root) { path in
      kept.folders[path] = Self.names(path)
      for (name, number) in Self.names(path) where Self.isFile("\(path)/\(name)") {
        kept.files[number] = TestProcess.contents(of: "\(path)/\(name)") ?? []
      }
    }
    state.withLock { ($0.files, $0.folders) = kept }
  }

  // MARK: The file system

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
  }

  private static func isFile(_ path: String) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false }

  private static func names(_ path: String) -> [String: UInt64] {
    guard let folder = opendir(path) else { return [:] }
    defer { closedir(folder) }
    var names: [String: UInt64] = [:]
    while let entry = readdir(folder) {
      guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { preconditionFailure("an entry has a name") }
      let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
      if name != ".", name != "..", let status = status("\(path)/\(name)") { names[name] = UInt64(status.st_ino) }
    }
    return names
  }

  /// The folder and those below it.
  private static func visit(_ path: String, _ body: (String) -> Void) {
    body(path)
    for name in names(path).keys where status("\(path)/\(name)").map({ $0.st_mode & S_IFMT == S_IFDIR }) ?? false {
      visit("\(path)/\(name)", body)
    }
  }

  private static func write(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    precondition(descriptor >= 0, "the test cannot write \(path)")
    defer { close(descriptor) }
    precondition(Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "the test cannot write \(path)")
  }
}
