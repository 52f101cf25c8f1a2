import Arrow
import Base
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
  var chunkBytes = 1 << 12
  var maxRows = 65_536
  var maxRecordBytes = 1 << 16
  /// Where parts of the file end that are read one after the other.
  var ends: [Int64] = []
  /// Whether the first bad record ends the reading.
  var stops = false
}

/// Reads the whole of a document with the reader that a source of files has, from memory: opening files would cost more than
/// what is tested.
func read(
  _ document: UnsafeRawBufferPointer, _ decoder: any RecordDecoder, _ schema: Schema, _ plan: ReadingPlan
) -> Reading {
  var reading = Reading()
  let policy = plan.stops ? stopping : settingAside
  let before = policy.counter.value
  let reader = RecordReader(
    decoder, schema: schema, policy: policy, maxRecordBytes: plan.maxRecordBytes, windowBytes: plan.chunkBytes * 2)
  do throws(Failure) {
    var start: Int64 = 0
    for end in plan.ends + [.max] {
      try reader.read(FileSplit(path: "fuzz", start: start, end: end), of: document, plan, into: &reading.checksum)
      start = end
    }
    if reader.rows > 0 { reading.checksum.add(reader.finish()) }
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
    reading.failure = error.message
  }
  reading.badRecords = policy.counter.value - before
  return reading
}

extension RecordReader {
  fileprivate func read(
    _ split: FileSplit, of document: UnsafeRawBufferPointer, _ plan: ReadingPlan, into checksum: inout BlackholeChecksum
  ) throws(Failure) {
    begin(split)
    var next = min(document.count, Int(max(0, split.start - 1)))
    while true {
      if mayDecode {
        if try decode(plan.maxRows) {
          let batch = finish()
          precondition(batch.length > 0 && batch.length <= plan.maxRows, "a batch has rows, and not too many")
          checksum.add(batch)
          continue
        }
        if isDone { return }
      }
      let count = min(plan.chunkBytes, document.count - next)
      if count == 0 {
        precondition(!window.isAtEnd, "at the end of the input all of it is decoded")
        tookEnd()
        continue
      }
      let room = UnsafeMutableRawBufferPointer(start: window.room(count), count: count)
      room.copyMemory(from: UnsafeRawBufferPointer(rebasing: document[next..<(next + count)]))
      window.append(count)
      next += count
      tookBytes(count)
    }
  }
}

/// What becomes of bad records, in all runs.
private let stopping = BadRecordPolicy(.stop, place: "source 'fuzz'")
private let settingAside = BadRecordPolicy(.deadLetter(path: "/dev/null"), place: "source 'fuzz'")

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
