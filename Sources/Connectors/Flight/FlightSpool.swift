import Arrow
import Base
import Dataflow
import Glibc
import VolleyPlan

/// The files in which the rows of epochs wait until a server has them: an Arrow stream each, hidden for all of its life, and gone when
/// the server has stored it.
struct FlightSpool {
  static let names = PartNames(suffix: "arrows", isRolled: false)

  /// From the root, ends with "/".
  let folder: String
  let subtask: Int
  /// Leads messages: "sink 'out' (flight)".
  let place: String
  private var part: OutputPart?

  init(_ path: String, subtask: Int, place: String) {
    let path = canonicalPath(path)
    folder = path.hasSuffix("/") ? path : "\(path)/"
    self.subtask = subtask
    self.place = place
  }

  func makeFolder() throws(Failure) { try Connectors.makeFolder(folder, place: place) }

  /// The path of an epoch's file without what hides it.
  private func path(_ epoch: Epoch) -> String {
    folder + Self.names.byEpoch.name(subtask: subtask, sequence: Int(epoch.number))
  }

  mutating func write(_ batch: RecordBatch, _ schema: Schema) throws(Failure) {
    if part == nil {
      part = try OutputPart(
        path: folder + Self.names.name(subtask: subtask), formatter: ArrowFormatter(schema: schema, isStream: true),
        bufferBytes: FileSink.chunkBytes * 2, place: place)
    }
    try part?.write(batch, 0..<batch.length)
  }

  /// All that was written since the last call is an epoch's, and on the disk when this returns; nil: nothing was.
  mutating func complete(_ epoch: Epoch) throws(Failure) -> SpooledEpoch? {
    guard let part = self.part.take() else { return nil }
    try part.finish()
    let written = HiddenName.untilDone.name(of: folder + Self.names.name(subtask: subtask))
    let hidden = HiddenName.untilCommitted.name(of: path(epoch))
    guard rename(written, hidden) == 0 else {
      throw Failure(
        .io, "\(place): \(hidden): a checkpoint's rows cannot be kept: \(pathProblem(hidden, isWritten: true))")
    }
    try secureFolder(of: hidden)
    return SpooledEpoch(file: hidden, subtask: subtask, epoch: Int64(epoch.number), rows: Int64(part.rows))
  }

  /// What is of no epoch is not to be.
  mutating func discard() {
    part?.discard()
    part = nil
  }

  /// A server has stored it; it may be gone already. That it is gone need not survive a crash: the server is asked again.
  static func remove(_ epoch: SpooledEpoch) { unlink(epoch.file) }

  /// Removes what no transaction of any subtask names.
  func removeOthers(than spared: [SpooledEpoch]) {
    let spared = Set(spared.map(\.file))
    Self.names.byEpoch.forEachFile(in: folder) { file in
      guard file.hiding == .untilCommitted, !spared.contains(HiddenName.untilCommitted.name(of: file.path)) else {
        return
      }
      _ = OutputFile.removeAbandoned(file.path, .untilCommitted)
    }
  }
}

/// An epoch's rows in a file: what a transaction says.
struct SpooledEpoch: Hashable {
  /// From the root, under its hidden name.
  var file: String
  /// Whose rows they are, though another subtask may bring them to the server.
  var subtask: Int
  var epoch: Int64
  var rows: Int64

  init(file: String, subtask: Int, epoch: Int64, rows: Int64) {
    self.file = file
    self.subtask = subtask
    self.epoch = epoch
    self.rows = rows
  }

  /// - Throws: `data` when the transaction is of something else.
  init(_ transaction: SinkTransaction, place: String) throws(Failure) {
    let json = try? JSONValue.parse(Array(transaction.content.utf8))
    guard let file = json?["spooled"]?.text(), let subtask = json?["subtask"]?.integer,
      let epoch = json?["epoch"]?.integer, let rows = json?["rows"]?.integer
    else {
      throw Failure(
        .data,
        "\(place): the checkpoint's '\(transaction.content.prefix(200))' is nothing that this sink has written; was it another "
          + "connector, or the same without 'spool'? Give its uid to none but the same sink")
    }
    self.init(file: file, subtask: Int(subtask), epoch: epoch, rows: rows)
  }

  var transaction: SinkTransaction {
    let content = JSONValue.object([
      .init("spooled", .string(file)), .init("subtask", .int(Int64(subtask))), .init("epoch", .int(epoch)),
      .init("rows", .int(rows)),
    ])
    return SinkTransaction(content.text)
  }
}
