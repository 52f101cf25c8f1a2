import Observability
import Synchronization

/// What a source tells the log beside its failures. Shared by its instances; each thing is told once.
final class SourceJournal: Sendable {
  private let uid: String
  private let log: EventLog?
  private let told = Mutex<(skipped: Set<[String]>, badRecords: Int)>((skipped: [], badRecords: 0))

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

  /// A watched file has more bytes than when it was taken.
  func tellGrown(_ path: String) {
    log?.warning(
      "source.file-grew",
      "\(path) has grown since source '\(uid)' took it, and rows appended to it are not read; write to a hidden name and rename",
      ["uid": .string(uid), "file": .string(path)])
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
