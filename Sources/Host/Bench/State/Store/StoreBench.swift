import Arrow
import Base
import CPlatform
import Dataflow
import Glibc
import State
import VolleyPlan

/// The cases of `volley-host bench state` about state on disks: what a barrier stops, what epochs write, how fast state
/// is back, and keys that do not fit memory.
struct StoreBench {
  /// With the number of keys of each.
  static let cases: [(name: String, keys: Int)] = [
    ("dirty-keys-100k", 100_000), ("dirty-keys-1m", 1_000_000), ("epoch-bytes-1m", 1_000_000),
    ("epoch-bytes-10m", 10_000_000), ("epoch-each-second-1k", 1_000), ("epoch-each-second-100k", 100_000),
    ("epoch-each-second-1m", 1_000_000), ("restore-1m", 1_000_000), ("restore-10m", 10_000_000),
    ("restore-to-speed-1m", 1_000_000), ("restore-to-speed-10m", 10_000_000),
    ("spill-uniform-5m", 5_000_000), ("spill-zipf-5m", 5_000_000), ("spill-uniform-50m", 50_000_000),
    ("spill-zipf-50m", 50_000_000),
  ]
  static let names = cases.map(\.name)

  /// Rows measured, in the cases of spilling that have no time.
  var rows: Int
  /// How long the cases of epochs and of spilling measure.
  var seconds: Double?
  /// Of the cases of epochs.
  var threads: Int
  let report: (BenchResult) throws(Failure) -> Void

  func run(_ name: String) throws(Failure) {
    guard let keys = Self.cases.first(where: { $0.name == name })?.keys else {
      preconditionFailure("the case is one of the known")
    }
    let folder = try BenchFolder()
    if name.hasPrefix("dirty-keys") {
      try dirtyKeys(name, keys, folder)
    } else if name.hasPrefix("epoch-bytes") {
      try epochBytes(name, keys, folder)
    } else if name.hasPrefix("epoch-each-second") {
      try report(EpochBench(name, keys: keys, seconds: seconds ?? 60, threads: threads, folder).run())
    } else if name.hasPrefix("restore-to-speed") {
      try report(RestoreBench(name, keys: keys, folder).run())
    } else if name.hasPrefix("restore") {
      try restore(name, keys, folder)
    } else {
      try SpillBench(
        name, keys: keys, isZipf: name.contains("zipf"), rows: rows, seconds: seconds, folder, report: report
      ).run()
    }
  }

  static func now() -> Double { Double(MonotonicTime.now.nanoseconds) / 1e9 }

  /// Every key of an operator changes between two barriers: how long taking the changes stops it, and how long the rest
  /// takes beside it.
  private func dirtyKeys(_ name: String, _ keys: Int, _ folder: BenchFolder) throws(Failure) {
    let sums = try KeyedSums(StateMemory(limit: .max))
    let database = try sums.database(at: folder.path("state"))
    var (stops, applies, checkpoints): ([Double], [Double], [Double]) = ([], [], [])
    for epoch in 0..<7 {
      for first in stride(from: 0, to: keys, by: KeyedSums.batchRows) {
        try sums.process(from: first, rows: min(KeyedSums.batchRows, keys - first))
      }
      var changes = StateChanges()
      let start = Self.now()
      try sums.operation.takeChanges(into: &changes)
      let taken = Self.now()
      try database.apply(changes)
      let applied = Self.now()
      _ = try database.checkpoint(into: folder.path("epoch-\(epoch)"))
      // The first ones make memory that later ones have.
      if epoch < 2 { continue }
      stops.append(taken - start)
      applies.append(applied - taken)
      checkpoints.append(Self.now() - applied)
    }
    var result = BenchResult(name: name, threads: 1, rows: keys, seconds: median(stops), cpuSeconds: median(stops))
    result.extra = [
      ("stop_milliseconds", median(stops) * 1e3), ("worst_stop_milliseconds", (stops.max() ?? 0) * 1e3),
      ("apply_milliseconds", median(applies) * 1e3), ("checkpoint_milliseconds", median(checkpoints) * 1e3),
    ]
    try report(result)
  }

  /// What 40 epochs write in each of which a random 1 % of the keys changed, as part of what the first one wrote.
  private func epochBytes(_ name: String, _ keys: Int, _ folder: BenchFolder) throws(Failure) {
    let sums = try KeyedSums(StateMemory(limit: .max))
    let database = try sums.database(at: folder.path("state"))
    try sums.fill(database, keys: keys)
    database.mergeAll()
    var random = SplitMix64(state: 5)
    var known: Set<String> = []
    func written(_ epoch: Int) throws(Failure) -> Int {
      var bytes = 0
      for file in try database.checkpoint(into: folder.path("epoch-\(epoch)")) {
        if !file.isImmutable || known.insert(file.name).inserted { bytes += file.byteCount }
      }
      folder.remove("epoch-\(epoch - 1)")
      return bytes
    }
    let full = try written(0)
    var series: [Double] = []
    let start = Self.now()
    for epoch in 1...40 {
      let changes = try KeyedSums.changes(keys / 100) { _ in
        Int(random.next().multipliedFullWidth(by: UInt64(keys)).high)
      }
      try database.apply(changes)
      series.append(Double(try written(epoch)) / Double(full))
      // Epochs come each ten seconds, between which files are merged. RocksDB may say for ever that it has something to merge.
      let next = Self.now() + 10
      while database.sizes.isMerging, Self.now() < next { usleep(10_000) }
    }
    let seconds = Self.now() - start
    var result = BenchResult(name: name, threads: 1, rows: keys * 40 / 100, seconds: seconds, cpuSeconds: seconds)
    result.extra = [
      ("full_bytes", Double(full)), ("median_percent", median(series) * 100),
      ("mean_percent", series.reduce(0, +) / 40 * 100), ("most_percent", (series.max() ?? 0) * 100),
    ]
    for (epoch, part) in series.enumerated() { result.extra.append(("epoch_\(epoch + 1)_percent", part * 100)) }
    try report(result)
  }

  /// How long state takes to be back: to the first batch of an operator that reads what it needs, and of one that is
  /// given all.
  private func restore(_ name: String, _ keys: Int, _ folder: BenchFolder) throws(Failure) {
    let sums = try KeyedSums(StateMemory(limit: .max))
    let database = try sums.database(at: folder.path("state"))
    try sums.fill(database, keys: keys)
    let files = try database.checkpoint(into: folder.path("epoch"))
    let origin = StateOrigin(part: KeyedSums.part, files: files)
    let lazyStart = Self.now()
    let spilling = try KeyedSums(StateMemory(limit: .max))
    let first = try StateDatabase.restore(
      at: folder.path("first"), tables: spilling.operation.stateTables, part: KeyedSums.part, from: [origin],
      memory: spilling.shares)
    let opened = Self.now()
    spilling.operation.spill(to: first)
    try spilling.process(from: 0, rows: KeyedSums.batchRows)
    let firstRow = Self.now()
    let full = try KeyedSums(StateMemory(limit: .max))
    let second = try StateDatabase.restore(
      at: folder.path("second"), tables: full.operation.stateTables, part: KeyedSums.part, from: [origin],
      memory: full.shares)
    try second.scan(table: 0) { batch throws(Failure) in try full.operation.restore(batch, table: 0) }
    let given = Self.now()
    // Half as many subtasks as before, twice as many.
    let half = try StateDatabase.restore(
      at: folder.path("third"), tables: full.operation.stateTables,
      part: StatePart(subtask: 1, parallelism: 2), from: [origin], memory: full.shares)
    let halved = Self.now()
    var result = BenchResult(
      name: name, threads: 1, rows: keys, seconds: firstRow - lazyStart, cpuSeconds: firstRow - lazyStart)
    result.extra = [
      ("bytes", Double(files.reduce(0) { $0 + $1.byteCount })), ("open_seconds", opened - lazyStart),
      ("first_batch_seconds", firstRow - lazyStart), ("all_in_memory_seconds", given - firstRow),
      ("other_parallelism_seconds", halved - given), ("keys_of_other_parallelism", Double(half.sizes.entryCount)),
    ]
    try report(result)
  }
}

/// A folder that is gone when the value is.
final class BenchFolder {
  private let root: String

  /// - Parameter place: where it is made; nil: where temporary files are.
  init(in place: String? = nil) throws(Failure) {
    let parent = place ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/volley-bench-state-XXXXXX".utf8CString)
    let isMade = template.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkdtemp($0) != nil } ?? false }
    guard isMade else {
      throw Failure(.io, "no temporary folder can be made in \(parent): \(String(cString: strerror(errno)))")
    }
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = platform_remove_tree(root) }

  func path(_ name: String) -> String { "\(root)/\(name)" }
  func remove(_ name: String) { _ = platform_remove_tree(path(name)) }
}
