import Base
import Glibc
import Synchronization
import VolleyPlan

/// What becomes of a source's bad records. Shared by its instances, and called from their threads.
final class BadRecordPolicy: Sendable {
  private let policy: Plan.BadRecords
  /// Leads messages: "source 'orders' (csv)".
  let place: String
  let counter = BadRecordCounter()
  /// The open dead-letter file; -1 before the first bad record.
  private let descriptor = Mutex<Int32>(-1)
  private let job = Mutex(JobState())

  /// What concerns epochs.
  private struct JobState {
    /// Bytes of the dead-letter file that were there before this job.
    var start: Int64?
    var replay: DeadLetterReplay?
  }

  init(_ policy: Plan.BadRecords, place: String) {
    self.policy = policy
    self.place = place
  }

  deinit {
    descriptor.withLock { if $0 >= 0 { close($0) } }
  }

  /// Whether the first bad record ends the job.
  var stops: Bool { policy == .stop }

  /// Where bad records go; nil when they stop the job.
  var deadLetterPath: String? {
    if case .deadLetter(let path) = policy { path } else { nil }
  }

  /// What it writes, for the look at all files before the job runs.
  func files(uid: String) -> WrittenFiles? {
    deadLetterPath.map { WrittenFiles(place: place, uid: uid, path: $0, form: .deadLetters) }
  }

  /// Refuses a dead-letter file that is one of the files that appeared while the job runs: it would grow while it is read. What is
  /// there at first was looked at before, with `JobFiles`.
  ///
  /// - Throws: `usage`, naming the file.
  func refuseInputs(_ paths: [String]) throws(Failure) {
    var own = stat()
    guard let deadLetterPath, stat(deadLetterPath, &own) == 0 else { return }
    for path in Set(paths) {
      var input = stat()
      if stat(path, &input) == 0, input.st_dev == own.st_dev, input.st_ino == own.st_ino,
        input.st_mode & S_IFMT == S_IFREG
      {
        throw Failure(
          .usage, "\(place): the dead-letter file \(deadLetterPath) is one of the files to read; name another one")
      }
    }
  }

  /// - Throws: `data` when the policy is to stop, `io` when the dead-letter file cannot be written.
  func handle(_ record: BadRecord) throws(Failure) {
    counter.increment()
    switch policy {
    case .stop:
      throw Failure(
        .data,
        "\(record.file):\(record.line): \(record.reason) (the record begins at byte \(record.offset)); "
          + "correct it, or give \(place) a dead-letter file for such records")
    case .deadLetter(let path):
      let line = record.jsonLine
      guard job.withLock({ $0.replay?.isThere(line) }) != true else { return }
      try append(line, to: path)
    }
  }

  /// What was appended is on the disk when this returns.
  func flush() throws(Failure) {
    guard case .deadLetter(let path) = policy else { return }
    let isSynced = descriptor.withLock { $0 < 0 || fsync($0) == 0 || errno == EINVAL }
    guard isSynced else {
      throw Failure(.io, "\(place): the dead-letter file \(path) cannot be synced: \(systemError())")
    }
  }

  // MARK: Epochs

  /// Bytes of the dead-letter file that are not of this job; nil: there is no such file.
  var start: Int64? { job.withLock { $0.start } }

  /// The source is about to read, if it has not begun.
  func begin() {
    guard let deadLetterPath else { return }
    job.withLock { if $0.start == nil { $0.start = FoundFile(path: deadLetterPath)?.byteCount ?? 0 } }
  }

  /// The job goes on from an epoch: what it has set aside since is not set aside again. Of the source's instances the first one's
  /// call counts.
  func resume(from start: Int64, _ positions: [FilePosition]) throws(Failure) {
    guard let deadLetterPath else { return }
    try job.withLock { job throws(Failure) in
      guard job.start == nil else { return }
      job.replay = try DeadLetterReplay(deadLetterPath, from: start, positions, place: place)
      job.start = start
    }
  }

  private func append(_ line: [UInt8], to path: String) throws(Failure) {
    let error: Int32 = descriptor.withLock { descriptor in
      if descriptor < 0 {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        if descriptor < 0 { return errno }
        syncFolder(of: path)
      }
      // Who goes on from an epoch removes what is no whole line.
      flock(descriptor, LOCK_EX)
      defer { flock(descriptor, LOCK_UN) }
      // One write a line, so that files shared with other processes stay whole.
      var done = 0
      while done < line.count {
        let count = line[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno != EINTR { return errno }
        done += max(0, count)
      }
      return 0
    }
    guard error == 0 else {
      throw Failure(
        .io,
        "\(place): the dead-letter file \(path) cannot be written: \(systemError(error)); free space or name another")
    }
  }
}

extension BadRecord {
  /// One line of a dead-letter file: an object of file, line, offset, reason, and the record as text, or in base 64 when it
  /// is no UTF-8; of a record that was too long to keep, what was kept and its length.
  var jsonLine: [UInt8] {
    let out = ByteWriter(capacity: 256 + bytes.count * 2)
    out.append("{\"file\":")
    out.appendJSONString(file)
    out.append(",\"line\":")
    out.append(Int64(line))
    out.append(",\"offset\":")
    out.append(offset)
    out.append(",\"reason\":")
    out.appendJSONString(reason)
    bytes.withUnsafeBufferPointer { bytes in
      if let start = bytes.baseAddress, !isUTF8(start, bytes.count) {
        out.append(",\"recordBase64\":\"")
        out.appendBase64(start, bytes.count)
        out.append("\"")
      } else {
        out.append(",\"record\":")
        out.appendJSONString(bytes.baseAddress, bytes.count)
      }
    }
    if length > bytes.count {
      out.append(",\"length\":")
      out.append(Int64(length))
    }
    out.append("}\n")
    return out.bytes
  }
}
