import Arrow
import Base
import Dataflow
import Glibc
import State
import VolleyPlan

/// More keys than memory has room for: the operator with its database beside a bare loop over the same database, which
/// looks for the keys of each batch in order and writes them again. In 512 MiB, which are shared out as a worker does.
struct SpillBench {
  private let name: String
  private let keys: Int
  private let isZipf: Bool
  private let rows: Int
  private let folder: BenchFolder
  private let report: (BenchResult) throws(Failure) -> Void

  /// Nil: until `rows` are done.
  private let seconds: Double?

  private static let limit = 512 << 20
  private static let shares = MemoryShares(limit: limit, channels: 2, subtasks: 3, keepsState: true)

  init(
    _ name: String, keys: Int, isZipf: Bool, rows: Int, seconds: Double?, _ folder: BenchFolder,
    report: @escaping (BenchResult) throws(Failure) -> Void
  ) {
    self.name = name
    self.keys = keys
    self.isZipf = isZipf
    self.rows = rows
    self.seconds = seconds
    self.folder = folder
    self.report = report
  }

  func run() throws(Failure) {
    BufferPool.limitIdleBytes(to: Self.shares.idleBytes)
    let sums = try KeyedSums(
      StateMemory(limit: Self.shares.stateBytes), databaseBytes: Self.shares.databaseBytes)
    let database = try sums.database(at: folder.path("state"))
    try sums.fill(database, keys: keys)
    let bare = try bareLoop(sums, database)
    let fullest = ProcessUsage.residentBytes
    ProcessUsage.resetPeak()
    sums.operation.spill(to: database)
    var random = SplitMix64(state: 11)
    // Until memory is full.
    _ = try run(sums, rows: max(rows / 2, 4_000_000), seconds: nil, &random)
    let before = sums.operation.spillCounts
    var done = 0
    let time = try measure { () throws(Failure) in done = try run(sums, rows: rows, seconds: seconds, &random) }
    let after = sums.operation.spillCounts
    var result = BenchResult(
      name: name, threads: 1, rows: done, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
    let rate = Double(done) / time.seconds
    func percent(_ count: Int) -> Double { Double(count) * 100 / Double(done) }
    result.extra = [("updates_per_second", rate), ("bare_updates_per_second", bare)]
    result.extra.append(("times_the_bare_loop", rate / bare))
    result.extra.append(("sought_percent", percent(after.sought - before.sought)))
    result.extra.append(("evicted_percent", percent(after.evicted - before.evicted)))
    result.extra.append(("limit_bytes", Double(Self.limit)))
    // As the kernel counts it, at every moment.
    let most = ProcessUsage.highWaterBytes
    result.extra.append(("most_resident_bytes", Double(most)))
    result.extra.append(("most_resident_percent_of_limit", Double(most) * 100 / Double(Self.limit)))
    result.extra.append(("resident_bytes_when_filled", Double(fullest)))
    result.extra.append(("file_bytes", Double(database.sizes.fileBytes)))
    try report(result)
  }

  /// Returns how many rows it has done.
  private func run(
    _ sums: KeyedSums, rows: Int, seconds: Double?, _ random: inout SplitMix64
  ) throws(Failure) -> Int {
    var done = 0
    let end = seconds.map { StoreBench.now() + $0 }
    while end.map({ StoreBench.now() < $0 }) ?? (done < rows) {
      let count = end == nil ? min(KeyedSums.batchRows, rows - done) : KeyedSums.batchRows
      try sums.process(KeyedSums.batch(count) { _ in number(&random) })
      done += count
    }
    return done
  }

  /// Of a key; the n-th is drawn 1/n times as often as the first when they are not equally frequent.
  private func number(_ random: inout SplitMix64) -> Int {
    let word = random.next()
    if !isZipf { return Int(word.multipliedFullWidth(by: UInt64(keys)).high) }
    let share = Double(word >> 11) / Double(1 << 53)
    return min(keys - 1, Int(exp(share * log(Double(keys)))) - 1)
  }

  /// Updates a second of a loop that keeps nothing in memory.
  private func bareLoop(_ sums: KeyedSums, _ database: StateDatabase) throws(Failure) -> Double {
    var random = SplitMix64(state: 13)
    let least = max(1, rows / 4 / KeyedSums.batchRows)
    let table = sums.operation.stateTables[0]
    var (updates, batches) = (0, 0)
    let start = StoreBench.now()
    while batches < least || StoreBench.now() < start + (seconds ?? 0) / 4 {
      batches += 1
      let keys = KeyedSums.batch(KeyedSums.batchRows) { _ in number(&random) }.columns[0]
      let addresses = RecordBatch(schema: table.address, columns: [keys], length: keys.length)
      let found = try database.find(addresses, table: 0)
      let rows = Buffer(byteCount: found.rows.count * 4)
      for (index, row) in found.rows.enumerated() { rows.unsafeMutableValues(UInt32.self)[index] = row }
      let selection = Selection(indices: rows, count: found.rows.count)
      var changes = StateChanges()
      changes.put(
        RecordBatch(
          schema: table.entry, columns: [keys.gather(selection)] + found.values.columns, length: found.rows.count),
        table: 0)
      try database.apply(changes, inBuffers: true)
      updates += keys.length
    }
    return Double(updates) / (StoreBench.now() - start)
  }
}
