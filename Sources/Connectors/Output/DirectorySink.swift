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
final class DirectorySink: Sink {
  let blocks = true
  private let target: DirectoryTarget
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
  /// Counts what was written to, so that the part used longest ago is known.
  private var clock = 0
  private var sequence = 0

  private struct OpenPart {
    let body: OutputPart
    var lastUse: Int
  }

  init(
    _ target: DirectoryTarget, schema: Schema, partitionBy: [Int], policy: RollPolicy, maxOpenFiles: Int,
    compression: OutputCompression? = nil, makeFormatter: @escaping (Schema) -> any RowFormatter
  ) {
    compressors = compression.map { CompressorPool($0) }
    self.target = target
    self.policy = policy
    self.maxOpenFiles = maxOpenFiles
    self.makeFormatter = makeFormatter
    groups = partitionBy.isEmpty ? nil : PartitionGroups(columns: partitionBy)
    path = PartitionPath(columns: partitionBy, schema: schema)
    written = schema.fields.indices.filter { !partitionBy.contains($0) }
    self.schema = partitionBy.isEmpty ? schema : Schema(written.map { schema.fields[$0] })
  }

  func open() throws(Failure) {
    try makeFolder(target.path, place: target.place)
    sequence = target.nextSequence()
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
        try part.commit()
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
      try oldest.value.body.commit()
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
        compressors: compressors)
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
      try part.body.commit()
    }
  }

  func close(complete: Bool) throws(Failure) {
    defer { parts = [:] }
    for part in parts.values {
      if complete { try part.body.commit() } else { part.body.discard() }
    }
  }
}
