import Arrow
import Base
import Dataflow
import Glibc
import VolleyPlan

/// Writes rows to one file by epochs: a hidden file beside it grows, an epoch keeps how long it was, and it gets its name when the
/// job has ended, with all epochs committed. A job that goes on cuts it to the epoch's length.
///
/// A job that goes on although the file has its name takes the name back with the first row that follows. What a format needs to know
/// of all that it has written, as Arrow's do, is found by writing the former rows once more, to a hidden file of another name.
final class GrowingFileSink: TransactionalSink {
  let blocks = true
  private let place: String
  /// From the root, behind symbolic links.
  private let path: String
  private let makeFormatter: () -> any RowFormatter
  private let compressors: CompressorPool?
  private let rewriting: Rewriting?
  private var part: OutputPart?
  /// What a damaged epoch has of the file, in place of the epoch that the job goes on from.
  private var kept: SinkTransaction?
  /// Where the job goes on; the rows so far are in that file.
  private var former: Content?
  /// Whether the file has its name, and nothing was written since.
  private var isShown = false
  /// What the last epoch has.
  private var prepared: Content?
  /// Whether rows were written since.
  private var hasWritten = false

  /// Puts the rows of the first bytes of a file into a part that was begun.
  typealias Rewriting = (_ path: String, _ length: Int64, _ part: OutputPart) throws(Failure) -> Void

  private struct Content: Equatable {
    var hidden: String
    var length: Int64
    /// What tells it from another one under the name that it is to get.
    var identity: FileIdentity
  }

  /// - Parameters:
  ///   - path: as the plan has it, of a file or nothing.
  ///   - rewriting: nil when a file of the format goes on where it ends.
  init(
    _ path: String, place: String, compression: OutputCompression?, rewriting: Rewriting?,
    makeFormatter: @escaping () -> any RowFormatter
  ) {
    self.place = place
    self.path = canonicalPath(StandardOutput.path(path))
    self.makeFormatter = makeFormatter
    self.rewriting = rewriting
    compressors = compression.map { CompressorPool($0) }
  }

  func useEpochs() {}

  func open() throws(Failure) {
    if isShown { return }
    guard let former else {
      part = try begin(try OutputFile(path: path, place: place, hiding: .untilCommitted))
      return
    }
    part = try goOn(former)
  }

  private func begin(_ file: OutputFile, behind length: Int64 = 0) throws(Failure) -> OutputPart {
    try OutputPart(
      file, formatter: makeFormatter(), bufferBytes: FileSink.chunkBytes * 2, compressors: compressors, behind: length)
  }

  private func goOn(_ former: Content) throws(Failure) -> OutputPart {
    guard let rewriting else {
      return try begin(
        try OutputFile(continuing: former.hidden, of: path, at: former.length, place: place), behind: former.length)
    }
    let first = HiddenName.untilCommitted.name(of: path)
    let second = HiddenName.untilCommitted.name(of: "\(path).2")
    let hidden = former.hidden == first ? second : first
    let part = try begin(try OutputFile(continuing: hidden, of: path, at: 0, place: place))
    try rewriting(former.hidden, former.length, part)
    return part
  }

  func write(_ batch: RecordBatch) throws(Failure) {
    if isShown { try hideAgain() }
    hasWritten = true
    guard let part else { preconditionFailure("a sink is written to between open and close") }
    let step = part.chunkRows(of: batch)
    var row = 0
    while row < batch.length {
      let end = min(batch.length, row + step)
      try part.write(batch, row..<end)
      row = end
    }
  }

  /// The job had ended, and goes on.
  private func hideAgain() throws(Failure) {
    guard let former else { preconditionFailure("a file that is shown was written") }
    guard rename(path, former.hidden) == 0 else {
      throw Failure(
        .io, "\(place): \(path): cannot be hidden to be gone on with: \(pathProblem(path, isWritten: true))")
    }
    try secureFolder(of: path)
    isShown = false
    part = try goOn(former)
  }

  func flush() throws(Failure) { try part?.flush() }

  func close(complete: Bool) throws(Failure) {
    defer { part = nil }
    guard complete else {
      // What an epoch counts of it may be gone on with.
      if prepared != nil || former != nil { part?.leave() } else { part?.discard() }
      return
    }
    precondition(!hasWritten, "what a sink has written is of an epoch when it is closed")
    try part?.commit()
    if part != nil { removeOthers(than: nil) }
  }
}

// MARK: Epochs

extension GrowingFileSink {
  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] {
    if let part, let file = part.file as? OutputFile, let hidden = file.hiddenPath {
      try part.checkpoint()
      guard let found = FoundFile(path: hidden) else {
        throw Failure(.io, "\(place): \(hidden): was removed while it was written; the rows of the job are lost")
      }
      if prepared?.hidden != hidden { try secureFolder(of: hidden) }
      prepared = Content(hidden: hidden, length: file.written, identity: found.identity)
    } else {
      prepared = former
    }
    hasWritten = false
    guard let prepared else { return [] }
    let content = JSONValue.object([
      .init("path", .string(path)), .init("hidden", .string(prepared.hidden)), .init("length", .int(prepared.length)),
      .init("identity", .array(prepared.identity.numbers.map { .int($0) })),
    ])
    return [SinkTransaction(content.text)]
  }

  /// What is committed is seen when the job has ended: until then all is where it is.
  func commit(_ transactions: [SinkTransaction]) throws(Failure) {
    guard let last = transactions.last, !isShown else { return }
    removeOthers(than: try content(last).hidden)
  }

  /// `recover` cuts the file to what the epoch has of it.
  func takeBack(_ transactions: [SinkTransaction]) -> TakeBack { .done(files: 0) }

  /// `recover` leaves what the last of them has, if that is there still.
  func keep(_ transactions: [SinkTransaction]) {
    kept = transactions.last { transaction in
      guard let content = try? content(transaction) else { return false }
      return [content.hidden, path].contains { path in
        guard let found = FoundFile(path: path) else { return false }
        return found.byteCount >= content.length && found.identity.hasNumber(of: content.identity)
      }
    }
  }

  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    guard let transaction = kept ?? own.last else {
      removeOthers(than: nil)
      return
    }
    let last = try content(transaction)
    former = last
    removeOthers(than: last.hidden)
    var status = stat()
    if stat(last.hidden, &status) == 0 {
      try check(status, last.hidden, last)
    } else if stat(path, &status) == 0, FileIdentity(status, path: path).hasNumber(of: last.identity) {
      try check(status, path, last)
      isShown = true
    } else {
      throw Failure(
        .io,
        "\(place): \(last.hidden): the rows of the checkpoint are not there; bring the file back, or begin without them "
          + "(--from none)")
    }
  }

  private func check(_ status: stat, _ path: String, _ content: Content) throws(Failure) {
    guard Int64(status.st_size) >= content.length else {
      throw Failure(
        .io,
        "\(place): \(path): has \(status.st_size) bytes, and the checkpoint counts \(content.length); bring the file back, or begin "
          + "without it (--from none)")
    }
  }

  private func content(_ transaction: SinkTransaction) throws(Failure) -> Content {
    let json = try? JSONValue.parse(transaction.content)
    guard let path = json?["path"]?.text(), let hidden = json?["hidden"]?.text(), let length = json?["length"]?.integer,
      case .array(let numbers)? = json?["identity"], numbers.compactMap(\.integer).count == 3, length >= 0
    else {
      throw Failure(
        .data,
        "\(place): the checkpoint's '\(transaction.content.prefix(200))' is nothing that this sink has written; was it another "
          + "connector? Give its uid to none but the same sink")
    }
    guard path == self.path else {
      throw Failure(
        .usage,
        "\(place): writes '\(self.path)', and the rows of the checkpoint are for '\(path)'; give the sink that path, or another uid"
      )
    }
    return Content(hidden: hidden, length: length, identity: FileIdentity(numbers: numbers.compactMap(\.integer)))
  }

  /// Removes the hidden files of this one that no epoch is in.
  private func removeOthers(than hidden: String?) {
    for name in [path, "\(path).2"].map({ HiddenName.untilCommitted.name(of: $0) }) where name != hidden {
      let current = (part?.file as? OutputFile)?.hiddenPath
      if name != current || hidden == nil { _ = OutputFile.removeAbandoned(hidden: name) }
    }
  }
}
