import Arrow
import Base
import Dataflow
import Glibc
import State
import VolleyPlan

/// How soon a restart is as fast as before: an operator with about 100 bytes of state a key, in memory, is thrown away and goes on
/// from its epoch, on the file system of that and on another one. Keys are drawn with equal chance.
struct RestoreBench {
  private let name: String
  private let keys: Int
  private let folder: BenchFolder

  private static let sums = 4
  /// Rows between two looks at the speed.
  private static let lookRows = 16 * KeyedSums.batchRows
  private static let otherPlace = "/dev/shm"

  init(_ name: String, keys: Int, _ folder: BenchFolder) {
    self.name = name
    self.keys = keys
    self.folder = folder
  }

  private struct Times {
    var firstBatch: Double
    var speed: Double
  }

  func run() throws(Failure) -> BenchResult {
    let (files, former) = try former()
    let own = try restart(files, at: folder.path("restored"), former: former)
    var result = BenchResult(
      name: name, threads: 1, rows: keys, seconds: own.firstBatch, cpuSeconds: own.firstBatch)
    result.extra = [
      ("bytes", Double(files.reduce(0) { $0 + $1.byteCount })), ("rows_per_second_before", former),
      ("seconds_to_first_batch", own.firstBatch), ("seconds_more_to_80_percent", own.speed),
    ]
    if hasOtherPlace {
      let place = try BenchFolder(in: Self.otherPlace)
      let other = try restart(files, at: place.path("restored"), former: former)
      result.extra.append(("other_file_system_seconds_to_first_batch", other.firstBatch))
      result.extra.append(("other_file_system_seconds_more_to_80_percent", other.speed))
    }
    return result
  }

  /// An epoch's files, and the rows a second of the operator that left it.
  private func former() throws(Failure) -> ([StateFile], Double) {
    let sums = try KeyedSums(StateMemory(limit: .max), sums: Self.sums)
    for first in stride(from: 0, to: keys, by: KeyedSums.batchRows) {
      try sums.process(from: first, rows: min(KeyedSums.batchRows, keys - first))
    }
    var random = SplitMix64(state: 17)
    _ = try look(sums, &random)
    var rates: [Double] = []
    for _ in 0..<5 { rates.append(try look(sums, &random)) }
    var changes = StateChanges()
    try sums.operation.takeChanges(into: &changes)
    let database = try sums.database(at: folder.path("state"))
    try database.apply(changes)
    return (try database.checkpoint(into: folder.path("epoch")), median(rates))
  }

  private func restart(_ files: [StateFile], at path: String, former: Double) throws(Failure) -> Times {
    var random = SplitMix64(state: 19)
    let start = StoreBench.now()
    let sums = try KeyedSums(StateMemory(limit: .max), sums: Self.sums)
    let database = try StateDatabase.restore(
      at: path, tables: sums.operation.stateTables, part: KeyedSums.part,
      from: [StateOrigin(part: KeyedSums.part, files: files)], memory: sums.shares)
    sums.operation.spill(to: database)
    try sums.process(batch(&random))
    let first = StoreBench.now()
    // The time of making rows is part of it.
    while try look(sums, &random) < 0.8 * former {
      if StoreBench.now() - first > 600 {
        throw Failure(.software, "the operator is not as fast as before ten minutes after its restart")
      }
    }
    return Times(firstBatch: first - start, speed: StoreBench.now() - first)
  }

  /// Rows a second of some more, without the time that it takes to make them.
  private func look(_ sums: KeyedSums, _ random: inout SplitMix64) throws(Failure) -> Double {
    var seconds = 0.0
    for _ in 0..<Self.lookRows / KeyedSums.batchRows {
      let batch = batch(&random)
      let start = StoreBench.now()
      try sums.process(batch)
      seconds += StoreBench.now() - start
    }
    return Double(Self.lookRows) / seconds
  }

  private func batch(_ random: inout SplitMix64) -> RecordBatch {
    KeyedSums.batch(KeyedSums.batchRows) { _ in Int(random.next().multipliedFullWidth(by: UInt64(keys)).high) }
  }

  private var hasOtherPlace: Bool {
    var (own, other) = (stat(), stat())
    return stat(folder.path("epoch"), &own) == 0 && stat(Self.otherPlace, &other) == 0 && own.st_dev != other.st_dev
  }
}
