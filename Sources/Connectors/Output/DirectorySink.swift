import Arrow
import Base
import Dataflow
import Glibc

/// Writes rows to files of a directory that each appear when they are complete: after some bytes or some time, and in folders
/// by the values of partition columns if there are any.
///
/// Files are named `part-<subtask>-<sequence>` and never replace another: the sequence goes on behind what earlier jobs left.
/// A file begins with its first row, so there are no empty ones. Of the open files at most `maxOpenFiles` stay open: the one
/// that has waited longest for a row is completed for the next.
///
/// With epochs a file is completed at each barrier too, and all of an epoch appear with it.
final class DirectorySink: TransactionalSink {
  let blocks = true
  let target: DirectoryTarget
  private let policy: RollPolicy
  private let groups: PartitionGroups?
  private let path: PartitionPath
  /// The columns that are written, by index, and their schema.
  private let written: [Int]
  private let schema: Schema
  private let maxOpenFiles: Int
  private let makeFormatter: (Schema) -> any RowFormatter
  private let compressors: CompressorPool?
  private var parts: [[UInt8]: OpenPart] = [:]
  /// Nil without epochs.
  private var epochs: DirectoryEpochs?
  /// Files of damaged epochs are shown on purpose.
  private var hasKept = false
  /// Counts what was written to, so that the part used longest ago is known.
  private var clock = 0
  private var sequence = 0
  /// Whether files of earlier jobs stay, and those of this one are added.
  private let adds: Bool

  private struct OpenPart {
    let body: OutputPart
    var lastUse: Int
  }

  init(
    _ target: DirectoryTarget, schema: Schema, partitionBy: [Int], policy: RollPolicy, maxOpenFiles: Int,
    adds: Bool = true, compression: OutputCompression? = nil, makeFormatter: @escaping (Schema) -> any RowFormatter
  ) {
    compressors = compression.map { CompressorPool($0) }
    self.target = target
    self.policy = policy
    self.adds = adds
    self.maxOpenFiles = maxOpenFiles
    self.makeFormatter = makeFormatter
    groups = partitionBy.isEmpty ? nil : PartitionGroups(columns: partitionBy)
    path = PartitionPath(columns: partitionBy, schema: schema)
    written = schema.fields.indices.filter { !partitionBy.contains($0) }
    self.schema = partitionBy.isEmpty ? schema : Schema(written.map { schema.fields[$0] })
  }

  func open() throws(Failure) {
    try makeFolder(target.path, place: target.place)
    sequence = max(target.nextSequence(), epochs?.firstSequence ?? 0)
  }

  /// When the oldest file is to be completed.
  var dueTime: MonotonicTime? { parts.values.compactMap { policy.due($0.body) }.min() }

  func write(_ batch: RecordBatch) throws(Failure) {
    if let groups {
      try groups.group(batch)
      for group in 0..<groups.count { try write(group, of: batch, groups) }
    } else {
      try write(batch, key: [], folders: [])
    }
    try rollOld()
  }

  private func write(_ group: Int, of batch: RecordBatch, _ groups: PartitionGroups) throws(Failure) {
    let rows = groups.withRows(group) { rows in
      guard let start = rows.baseAddress, rows.count < batch.length else {
        return RecordBatch(schema: schema, columns: written.map { batch.columns[$0] }, length: batch.length)
      }
      return RecordBatch(
        schema: schema, columns: written.map { batch.columns[$0].gather(start, count: rows.count) },
        length: rows.count)
    }
    try write(rows, key: groups.key(group), folders: path.folders(of: groups.firstRows[group], in: batch))
  }

  private func write(_ batch: RecordBatch, key: [UInt8], folders: @autoclosure () -> [String]) throws(Failure) {
    var row = 0
    while row < batch.length {
      let part = try part(key, folders)
      let most = part.chunkRows(of: batch)
      let end = min(batch.length, row + policy.step(part, batch, most: most))
      try part.write(batch, row..<end)
      row = end
      if policy.isFull(part) { try part.settle() }
      if policy.isFull(part) {
        parts[key] = nil
        try complete(part)
      }
    }
  }

  /// The open file of a partition, or a new one.
  private func part(_ key: [UInt8], _ folders: () -> [String]) throws(Failure) -> OutputPart {
    clock += 1
    if let open = parts[key] {
      parts[key]?.lastUse = clock
      return open.body
    }
    if parts.count >= maxOpenFiles, let oldest = parts.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      parts[oldest.key] = nil
      try complete(oldest.value.body)
    }
    let part = try newPart(folders())
    parts[key] = OpenPart(body: part, lastUse: clock)
    return part
  }

  /// A file of the next sequence that nobody has used.
  private func newPart(_ folders: [String]) throws(Failure) -> OutputPart {
    while true {
      let file = try target.file(sequence, in: folders)
      sequence += 1
      // Many files may be open: their buffers grow to what they need.
      let part = try OutputPart(
        path: file, formatter: makeFormatter(schema), bufferBytes: 16 << 10, place: target.place,
        compressors: compressors, hiding: epochs == nil ? .untilDone : .untilCommitted)
      // Whoever else writes a file of that name has it locked, so it is there before or not at all.
      if access(file, F_OK) != 0 { return part }
      part.discard()
    }
  }

  func flush() throws(Failure) {
    for part in parts.values { try part.body.flush() }
    try rollOld()
  }

  /// Completes the files that are old enough.
  private func rollOld() throws(Failure) {
    guard policy.nanoseconds != nil else { return }
    let now = MonotonicTime.now
    for (key, part) in parts {
      guard let due = policy.due(part.body), due <= now else { continue }
      parts[key] = nil
      try complete(part.body)
    }
  }

  private func complete(_ part: OutputPart) throws(Failure) {
    guard epochs != nil else { return try part.commit() }
    try part.finish()
    if let hidden = (part.file as? OutputFile)?.hiddenPath { epochs?.complete(hidden) }
  }

  func close(complete: Bool) throws(Failure) {
    defer { parts = [:] }
    precondition(
      epochs == nil || !complete || (parts.isEmpty && epochs?.completed.isEmpty == true),
      "what a sink has written is of an epoch when it is closed")
    for part in parts.values {
      if complete { try part.body.commit() } else { part.body.discard() }
    }
    epochs?.discard()
  }
}

// MARK: Epochs

extension DirectorySink {
  func useEpochs() throws(Failure) { epochs = DirectoryEpochs(target) }

  func takeBack(_ transactions: [SinkTransaction]) throws(Failure) -> TakeBack {
    try epochs?.takeBack(transactions) ?? .done(files: 0)
  }

  func keep(_ transactions: [SinkTransaction]) throws(Failure) {
    hasKept = true
    try epochs?.keep(transactions)
  }

  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    if all.isEmpty, !adds, !hasKept { try refuseFormer() }
    try epochs?.recover(own: own, all: all)
  }

  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] {
    for part in parts.values { try complete(part.body) }
    parts = [:]
    guard let transaction = try epochs?.prepare(next: sequence) else { return [] }
    return [transaction]
  }

  func commit(_ transactions: [SinkTransaction]) throws(Failure) { try epochs?.commit(transactions) }

  /// A run from the beginning would add its rows to those of another one.
  private func refuseFormer() throws(Failure) {
    var former: String?
    var count = 0
    target.names.all.forEachFile(in: target.path) { file in
      guard file.hiding == nil else { return }
      former = min(former ?? file.name, file.name)
      count += 1
    }
    guard let former else { return }
    throw Failure(
      .usage,
      "\(target.place): '\(target.path)' holds \(count) file\(count == 1 ? "" : "s") of an earlier run, such as '\(former)', and this "
        + "one begins without a checkpoint and would add its rows to theirs; go on from a checkpoint of that run, remove them, or "
        + "give another path")
  }
}
