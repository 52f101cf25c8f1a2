import Arrow
import Base
import Dataflow
import VolleyPlan

@testable import Connectors

/// What reading a document comes to, however its bytes arrive.
struct Reading: Equatable {
  var checksum = BlackholeChecksum()
  var badRecords = 0
  var failure: String?
}

/// How a document is read.
struct ReadingPlan {
  /// Bytes that are read at once.
  var chunkBytes = 1 << 13
  var maxRows = 65_536
  var maxRecordBytes = 1 << 16
  /// Where parts of the file end that are read one after the other.
  var ends: [Int64] = []
  var policy = Plan.BadRecords.deadLetter(path: "/dev/null")
}

/// Reads the whole of a file with the source that a pipeline would use.
func read(
  _ file: MemoryFile, _ decoder: any RecordDecoder, _ schema: Schema, _ journal: SourceJournal, _ plan: ReadingPlan
) -> Reading {
  var reading = Reading()
  let policy = BadRecordPolicy(plan.policy, place: "source 'fuzz'")
  var splits: [FileSplit] = []
  for end in plan.ends + [.max] {
    splits.append(FileSplit(path: file.path, start: splits.last?.end ?? 0, end: end))
  }
  do throws(Failure) {
    let source = try TextSource(
      .splits(splits), decoder: decoder, schema: schema, policy: policy, maxRecordBytes: plan.maxRecordBytes,
      journal: journal, chunkBytes: plan.chunkBytes)
    try source.open()
    reading: while true {
      switch try source.read(maxRows: plan.maxRows, timeout: .zero) {
      case .batch(let batch):
        precondition(batch.length > 0 && batch.length <= plan.maxRows, "a batch has rows, and not too many")
        reading.checksum.add(batch)
      case .idle: continue
      case .end: break reading
      }
    }
    try source.close()
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
    reading.failure = error.message
  }
  reading.badRecords = policy.counter.value
  return reading
}

/// Where the inputs of all runs stand, one after the other.
let memoryFile = MemoryFile()

/// Takes choices from the first bytes of an input.
struct Choices {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ input: UnsafeRawBufferPointer) { rest = input }

  mutating func next() -> Int {
    guard let first = rest.first else { return 0 }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
    return Int(first)
  }
}
