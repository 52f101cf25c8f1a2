import Observability
import Synchronization

/// What a source tells the log beside its failures. Shared by its instances; each thing is told once.
final class SourceJournal: Sendable {
  private let uid: String
  private let log: EventLog?
  private let told = Mutex(Told())

  private struct Told {
    var skipped: Set<[String]> = []
    var skipsMembers = false
    var badRecords = 0
    var unreadable: Set<String> = []
    var isWaiting: Set<String> = []
  }

  init(uid: String, log: EventLog?) {
    self.uid = uid
    self.log = log
  }

  /// Columns of a file that the schema does not have.
  func skips(_ columns: [String], of path: String) {
    guard let log, !columns.isEmpty, told.withLock({ $0.skipped.insert(columns).inserted }) else { return }
    let names = columns.map { "'\($0)'" }.joined(separator: ", ")
    log.info(
      "source.columns-skipped", "source '\(uid)' skips \(names) of \(path), which its schema does not have",
      ["uid": .string(uid), "file": .string(path), "columns": .string(columns.joined(separator: ","))])
  }

  /// Records have members that the schema does not; the report counts them.
  func skipsMembers(suchAs name: String) {
    let isNew = told.withLock { told in
      defer { told.skipsMembers = true }
      return !told.skipsMembers
    }
    guard let log, isNew else { return }
    log.info(
      "source.members-skipped",
      "source '\(uid)' skips members of its records that its schema does not have, such as '\(name)'",
      ["uid": .string(uid), "member": .string(name)])
  }

  /// A watched file has more bytes than when it was taken.
  func tellGrown(_ path: String) {
    log?.warning(
      "source.file-grew",
      "\(path) has grown since source '\(uid)' took it, and rows appended to it are not read; write to a hidden name and rename",
      ["uid": .string(uid), "file": .string(path)])
  }

  /// A watched file was written again where it is.
  func tellChanged(_ path: String) {
    log?.warning(
      "source.file-changed",
      "\(path) has changed since source '\(uid)' took it, and what was written to it since is not read; write to a hidden name "
        + "and rename",
      ["uid": .string(uid), "file": .string(path)])
  }

  /// A path without wildcards is watched, and nothing is there.
  func tellWaits(for path: String) {
    guard let log, told.withLock({ $0.isWaiting.insert(path).inserted }) else { return }
    log.warning(
      "source.path-missing", "source '\(uid)' waits: '\(path)' is neither a file nor a folder yet",
      ["uid": .string(uid), "path": .string(path)])
  }

  /// A watched pattern leads into a folder that cannot be read.
  func tellUnreadable(_ pattern: String, _ code: Int32) {
    guard let log, told.withLock({ $0.unreadable.insert(pattern).inserted }) else { return }
    log.warning(
      "source.folder-unreadable",
      "source '\(uid)' finds nothing under '\(pattern)', which leads into a folder that cannot be read: "
        + "\(pathProblem(pattern, isWritten: false, code: code))",
      ["uid": .string(uid), "path": .string(pattern)])
  }

  /// A watched file was removed before it could be read.
  func tellLost(_ path: String) {
    log?.warning(
      "source.file-lost", "\(path) was removed before source '\(uid)' could read it",
      ["uid": .string(uid), "file": .string(path)])
  }

  /// An instance has ended; `count` records of the source could not be decoded so far.
  func tellBadRecords(_ count: Int, _ deadLetterPath: String?) {
    guard let log, let deadLetterPath else { return }
    let isNew = told.withLock { told in
      defer { told.badRecords = max(told.badRecords, count) }
      return count > told.badRecords
    }
    guard isNew else { return }
    log.warning(
      "source.bad-records",
      "\(count) record\(count == 1 ? "" : "s") of source '\(uid)' could not be decoded and are in \(deadLetterPath)",
      ["uid": .string(uid), "records": .int(count), "file": .string(deadLetterPath)])
  }
}
