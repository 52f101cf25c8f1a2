import Arrow
import Base
import Dataflow
import VolleyPlan

/// Makes rows up: as fast as it is asked, or so many a second.
final class GeneratorSource: BoundedSource {
  private let plan: GeneratorPlan
  private let share: GeneratorShare
  private let hashes: [RowHash]
  private let wake: WakePipe
  /// Rows of the share that were made, by this subtask or before the job's parallelism was another.
  private var made: Int64 = 0
  /// What subtasks of other parallelisms have made; empty but after a restart.
  private var before: [GeneratorLayer] = []
  private var pace: GeneratorPace?
  /// What was made by the end of the epoch whose rows alone it gives; empty: it gives all.
  private var bounds: [GeneratorLayer] = []

  /// Waiting for the next row's time blocks; making rows does not.
  var blocks: Bool { plan.rate != nil }

  init(_ plan: GeneratorPlan, _ context: SubtaskContext) throws(Failure) {
    self.plan = plan
    share = GeneratorShare(rows: plan.rows, index: context.id.index, parallelism: context.parallelism)
    hashes = plan.schema.fields.map { RowHash(seed: plan.seed, column: $0.name) }
    pace = plan.rate.map { GeneratorPace(rowsPerSecond: $0 / Double(context.parallelism)) }
    wake = try WakePipe()
  }

  func stop() { wake.wake() }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    if wake.isWoken { return .end }
    if !before.isEmpty { passMade() }
    var count = maxRows
    // What others have made ends somewhere in each block.
    if !before.isEmpty { count = min(count, Int(GeneratorShare.blockRows - made % GeneratorShare.blockRows)) }
    if let total = share.count {
      guard made < total else { return .end }
      count = Int(min(Int64(count), total - made))
    }
    if !bounds.isEmpty {
      guard let left = passToBounded() else { return .end }
      count = min(maxRows, Int(left))
    }
    if pace != nil {
      let now = ContinuousClock.now
      guard let allowed = pace?.take(upTo: count, at: now) else { return .idle }
      if allowed == 0 {
        wake.wait(min(timeout, pace?.pause(at: now) ?? timeout))
        return .idle
      }
      count = allowed
    }
    let batch = makeBatch(share.runs(first: made, count: count), count)
    made += Int64(count)
    return .batch(batch)
  }

  private func makeBatch(_ runs: [RowRun], _ count: Int) -> RecordBatch {
    let columns = plan.schema.fields.indices.map { index in
      makeColumn(plan.schema.fields[index].type, plan.columns[index], hashes[index], runs, count)
    }
    return RecordBatch(schema: plan.schema, columns: columns, length: count)
  }

  private func makeColumn(
    _ type: DataType, _ column: GeneratedColumn, _ hash: RowHash, _ runs: [RowRun], _ count: Int
  ) -> Column {
    let values: Buffer
    var buffers: [Buffer]
    switch type {
    case .int64, .timestamp:
      values = Buffer(byteCount: count * 8)
      fillIntegers(values.unsafeMutableValues(Int64.self), runs, column, hash)
      buffers = [values]
    case .int32:
      values = Buffer(byteCount: count * 4)
      fillIntegers(values.unsafeMutableValues(Int32.self), runs, column, hash)
      buffers = [values]
    case .float64:
      values = Buffer(byteCount: count * 8)
      fillDoubles(values.unsafeMutableValues(Double.self), runs, column, hash)
      buffers = [values]
    case .bool:
      values = Buffer(byteCount: Bitmap.paddedByteCount(count))
      values.unsafeMutableAddress.initializeMemory(
        as: UInt8.self, repeating: 0, count: Bitmap.paddedByteCount(count))
      fillBools(values.unsafeMutableAddress, runs, column, hash)
      buffers = [values]
    case .utf8:
      values = Buffer(byteCount: (count + 1) * 4)
      buffers = [values, fillTexts(values.unsafeMutableValues(Int32.self), runs, column, hash)]
    default: preconditionFailure("the generator makes no \(type)")
    }
    return Column(type: type, length: count, validity: nil, buffers: buffers)
  }
}

// MARK: Epochs

extension GeneratorSource {
  /// Passes the rows that subtasks of other parallelisms have made.
  private func passMade() {
    while true {
      let (block, row) = made.quotientAndRemainder(dividingBy: GeneratorShare.blockRows)
      let number = block * share.parallelism + share.index
      let passed = before.map { $0.made(ofBlock: number) }.max() ?? 0
      if let total = share.count, made >= total { return }
      guard passed > row else { return }
      made = block * GeneratorShare.blockRows + passed
      if let total = share.count { made = min(made, total) }
    }
  }

  func positions() -> [SplitPosition] {
    var members: [JSONValue.Member] = [
      .init("subtask", .int(share.index)), .init("parallelism", .int(share.parallelism)), .init("made", .int(made)),
      .init("seed", .int(Int64(bitPattern: plan.seed))),
    ]
    if !before.isEmpty {
      members.append(.init("before", .array(before.map { .array($0.made.map { .int($0) }) })))
    }
    return [
      SplitPosition(split: "share \(share.index) of \(share.parallelism)", position: JSONValue.object(members).text)
    ]
  }

  /// Its rows come at once, whatever the parallelism was.
  func end(at positions: [SplitPosition]) throws(Failure) {
    let (layer, before) = try layers(of: positions)
    bounds = before + [layer]
    pace = nil
  }

  /// Passes the rows that were not made by the end of the epoch. How many follow that were, within a block; nil: none.
  private func passToBounded() -> Int64? {
    let end = bounds.map(\.firstUntouched).max() ?? 0
    while true {
      if !before.isEmpty { passMade() }
      let (block, row) = made.quotientAndRemainder(dividingBy: GeneratorShare.blockRows)
      let number = block * share.parallelism + share.index
      if number >= end { return nil }
      let rows = bounds.map { $0.made(ofBlock: number) }.max() ?? 0
      if row < rows { return rows - row }
      made = (block + 1) * GeneratorShare.blockRows
    }
  }

  func resume(at positions: [SplitPosition]) throws(Failure) {
    guard !positions.isEmpty else { return }
    let (layer, former) = try layers(of: positions)
    before = former
    if layer.parallelism == share.parallelism {
      made = layer.made[Int(share.index)]
    } else {
      before.append(layer)
    }
    // What a later layer has made all of says nothing more.
    before.removeAll { $0 != layer && $0.firstUntouched <= layer.wholeBlocks }
  }

  /// What was made by the subtasks that gave the positions, and before them by those of other parallelisms.
  private func layers(of positions: [SplitPosition]) throws(Failure) -> (GeneratorLayer, before: [GeneratorLayer]) {
    var before: [GeneratorLayer] = []
    var last: [Int64] = []
    for position in positions {
      let json = try? JSONValue.parse(position.position)
      guard let subtask = json?["subtask"]?.integer, let parallelism = json?["parallelism"]?.integer,
        let made = json?["made"]?.integer, let seed = json?["seed"]?.integer, (0..<parallelism).contains(subtask),
        made >= 0,
        last.isEmpty || last.count == Int(parallelism), parallelism <= 1 << 16
      else {
        throw Failure(
          .data,
          "the checkpoint's position '\(position.position.prefix(200))' is none of a generator; begin the source anew (--reset-source)"
        )
      }
      guard UInt64(bitPattern: seed) == plan.seed else {
        throw Failure(
          .usage,
          "the generator's rows are of seed \(Int64(bitPattern: plan.seed)), and the checkpoint's of seed \(seed); give it that seed, or "
            + "begin the source anew (--reset-source)")
      }
      if last.isEmpty { last = [Int64](repeating: 0, count: Int(parallelism)) }
      last[Int(subtask)] = made
      if case .array(let layers)? = json?["before"] {
        before = layers.compactMap { layer in
          guard case .array(let made) = layer, !made.isEmpty else { return nil }
          return GeneratorLayer(made: made.compactMap(\.integer))
        }
      }
    }
    return (GeneratorLayer(made: last), before)
  }
}
