import Base
import Glibc
import Synchronization

/// The files that appear under a source's patterns while the job runs, each handed out once as splits. Shared by the source's
/// instances: a split goes to the one that asks first.
///
/// - A file is taken when it is complete: no process has it open for writing; where that cannot be known, when it has not
///   changed for `settleTime`. An empty file is not taken until it has content. What is appended to a file after it was taken is
///   not read, and told in the log.
/// - Names that are hidden or temporary (`FoundFile.isTemporary`) are not seen.
/// - Files that are found together are taken in the order in which they were last written, then of their names.
/// - A file is the same under another name, and another one under the same name is not: a file that is replaced is read again,
///   one that is renamed is not. One that is written again in place is not read again, and told in the log.
/// - A path without wildcards is a file or a folder, and may become either later. What cannot be looked into is told in the log.
final class WatchedFiles: Sendable {
  /// Between two looks that nothing asked for.
  static let rescanTime: Int64 = 5_000_000_000
  /// While a file may only be known complete by not changing.
  static let settleTime: Int64 = 1_000_000_000
  /// Files that are gone and still remembered.
  private static let rememberedFiles = 65_536

  /// As the plan has them.
  let paths: [String]
  let place: String
  private let isSplittable: Bool
  private let compression: InputCompression
  private let policy: BadRecordPolicy
  let journal: SourceJournal
  /// Nil: the file system is asked; a test may say so itself.
  private let isBeingWritten: @Sendable (FoundFile) -> Bool?
  let state = Mutex(State())

  struct State {
    var watch: FolderWatch?
    var pending: [FileSplit] = []
    var next = 0
    /// The files taken that are still there, as they were then.
    var taken: [FileIdentity: FoundFile] = [:]
    /// Those that are gone, the oldest first.
    var gone: [FileIdentity] = []
    var goneSet: Set<FileIdentity> = []
    /// Files that may be in the making: what they were like, and since when.
    var unsettled: [FileIdentity: (byteCount: Int64, modified: Int64, since: MonotonicTime)] = [:]
    /// What an epoch knew of them; nil: the job does not go on from one.
    var resumed: [FilePosition]?
    var isDirty = true
    var nextLook = MonotonicTime(nanoseconds: .min)
    var lastLook = MonotonicTime(nanoseconds: .min)
    var lookTime: Int64 = 0

    mutating func rememberGone(_ identity: FileIdentity) {
      if goneSet.insert(identity).inserted { gone.append(identity) }
    }
  }

  init(
    patterns: [String], place: String, isSplittable: Bool, policy: BadRecordPolicy, journal: SourceJournal,
    compression: InputCompression = .plain,
    isBeingWritten: @escaping @Sendable (FoundFile) -> Bool? = { $0.isBeingWritten }
  ) {
    paths = patterns
    self.place = place
    self.isSplittable = isSplittable
    self.compression = compression
    self.policy = policy
    self.journal = journal
    self.isBeingWritten = isBeingWritten
  }

  var patterns: [String] { paths.map(Self.pattern) }

  /// The pattern that a path stands for now: a folder's for all files in it.
  static func pattern(_ path: String) -> String {
    isFolder(path) ? (path.hasSuffix("/") ? "\(path)*" : "\(path)/*") : path
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Begins to watch, if no instance has.
  ///
  /// - Throws: `noInput` when a folder without wildcards is missing or may not be read, `io` when nothing can be watched.
  func open() throws(Failure) {
    for pattern in patterns {
      let folder = folder(of: pattern)
      if !FileSet.isPattern(folder), !Self.isFolder(folder) {
        throw Failure(
          .noInput,
          "\(place): the folder '\(folder)' of '\(pattern)' is missing; create it or correct the option 'path'")
      }
      guard FileSet.isPattern(folder) || access(folder, R_OK | X_OK) == 0 else {
        throw Failure(
          .noInput, "\(place): the folder '\(folder)' cannot be watched: \(pathProblem(folder, isWritten: false))")
      }
      var status = stat()
      if !FileSet.isPattern(pattern), stat(pattern, &status) != 0 { journal.tellWaits(for: pattern) }
    }
    let watch = try FolderWatch(place: place)
    state.withLock { if $0.watch == nil { $0.watch = watch } }
  }

  /// The next split of a file that is there; nil when there is none now.
  ///
  /// - Throws: `noInput` when a complete file may not be read, `usage` when one is the dead-letter file.
  func take() throws(Failure) -> FileSplit? {
    while true {
      let next = try state.withLock { state throws(Failure) -> FileSplit? in
        if state.next == state.pending.count {
          try look(&state)
          guard state.next < state.pending.count else { return nil }
        }
        defer { state.next += 1 }
        return state.pending[state.next]
      }
      guard let next else { return nil }
      var status = stat()
      if stat(next.path, &status) == 0 || errno != ENOENT { return next }
      journal.tellLost(next.path)
    }
  }

  /// Waits until there may be something to take, `wake` is woken, or the time is over.
  func wait(_ duration: Duration, wake: WakePipe) {
    let (descriptor, due) = state.withLock { ($0.watch?.descriptor ?? -1, $0.nextLook) }
    let untilDue = Duration.nanoseconds(max(0, min(due - .now, Self.rescanTime)))
    _ = waitForInput(descriptor, wake: wake, min(duration, untilDue))
  }

  /// Looks for files, if it is time.
  private func look(_ state: inout State) throws(Failure) {
    guard let watch = state.watch else { preconditionFailure("files are watched before they are taken") }
    let now = MonotonicTime.now
    if watch.drain() { state.isDirty = true }
    // A folder of very many files is not searched again at once for each that comes.
    let soonest = state.lastLook + min(10 * state.lookTime, Self.rescanTime)
    guard now >= state.nextLook || (state.isDirty && now >= soonest) else {
      if state.isDirty { state.nextLook = min(state.nextLook, soonest) }
      return
    }
    state.isDirty = false
    state.pending.removeAll()
    state.next = 0
    let canWatch = watchFolders(watch)
    let files = foundFiles()
    forgetGone(files, &state)
    for found in files where try isReady(found, now, &state) {
      // What was written until it was found to be complete belongs to it.
      guard let file = FoundFile(path: found.path), file.identity == found.identity else { continue }
      state.taken[file.identity] = file
      state.pending += FileSplit.splits(
        of: file.path, byteCount: file.byteCount,
        isSplittable: isSplittable && (file.byteCount <= FileSplit.size || compression.isPlain(file.path)))
    }
    state.lastLook = .now
    state.lookTime = state.lastLook - now
    let pause = state.unsettled.isEmpty && canWatch ? Self.rescanTime : Self.settleTime
    state.nextLook = state.lastLook + pause
  }

  /// Whether a file is to be taken now.
  private func isReady(_ file: FoundFile, _ now: MonotonicTime, _ state: inout State) throws(Failure) -> Bool {
    if let taken = state.taken[file.identity] {
      if file.byteCount > taken.byteCount {
        journal.tellGrown(file.path)
      } else if file.byteCount < taken.byteCount || file.modified != taken.modified {
        journal.tellChanged(file.path)
      }
      state.taken[file.identity] = file
      return false
    }
    guard file.byteCount > 0, !state.goneSet.contains(file.identity) else { return false }
    try policy.refuseInputs([file.path])
    guard access(file.path, R_OK) == 0 else {
      if errno == ENOENT { return false }
      throw Failure(.noInput, "\(place): \(file.path): cannot be read: \(systemError())")
    }
    switch isBeingWritten(file) {
    case true?: return false
    case false?: break
    case nil:
      if let former = state.unsettled[file.identity], former.byteCount == file.byteCount,
        former.modified == file.modified
      {
        guard now - former.since >= Self.settleTime else { return false }
      } else {
        state.unsettled[file.identity] = (file.byteCount, file.modified, now)
        return false
      }
    }
    state.unsettled[file.identity] = nil
    return true
  }

  /// The files that are there, in the order in which they are taken.
  private func foundFiles() -> [FoundFile] {
    Self.files(of: patterns) { journal.tellUnreadable($0, $1) }
  }

  /// - Parameter unreadable: is given the patterns that lead into a folder that cannot be read, and errno.
  static func files(
    of patterns: [String], unreadable: (String, Int32) -> Void = { _, _ in }
  ) -> [FoundFile] {
    var paths: Set<String> = []
    for pattern in patterns {
      if let matches = FileSet.matches(pattern) {
        paths.formUnion(matches)
      } else {
        unreadable(pattern, errno)
      }
    }
    var files = paths.filter { !FoundFile.isTemporary($0) }.compactMap { FoundFile(path: $0) }
    files.sort { ($0.modified, $0.path) < ($1.modified, $1.path) }
    // A file may have two names.
    var seen: Set<FileIdentity> = []
    return files.filter { seen.insert($0.identity).inserted }
  }

  /// Watches the folders in which files and folders of the patterns can appear. False when one cannot be.
  private func watchFolders(_ watch: FolderWatch) -> Bool {
    var isComplete = true
    for pattern in patterns {
      var folder = folder(of: pattern)
      while true {
        for path in FileSet.isPattern(folder) ? FileSet.matches(folder) ?? [] : [folder] where Self.isFolder(path) {
          isComplete = watch.add(path) && isComplete
        }
        guard FileSet.isPattern(folder) else { break }
        folder = Connectors.folder(of: folder)
      }
    }
    return isComplete
  }

  private func forgetGone(_ files: [FoundFile], _ state: inout State) {
    let present = Set(files.map(\.identity))
    state.unsettled = state.unsettled.filter { present.contains($0.key) }
    for identity in state.taken.keys where !present.contains(identity) {
      state.taken[identity] = nil
      state.rememberGone(identity)
    }
    guard state.gone.count > Self.rememberedFiles * 2 else { return }
    for identity in state.gone.prefix(state.gone.count - Self.rememberedFiles) { state.goneSet.remove(identity) }
    state.gone.removeFirst(state.gone.count - Self.rememberedFiles)
  }

  private func folder(of path: String) -> String { Connectors.folder(of: path) }
}
