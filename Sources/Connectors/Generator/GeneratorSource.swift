import Arrow
import Base
import Dataflow
import VolleyPlan

/// Makes rows up: as fast as it is asked, or so many a second.
final class GeneratorSource: Source {
  private let plan: GeneratorPlan
  private let share: GeneratorShare
  private let hashes: [RowHash]
  private let wake: WakePipe
  private var made: Int64 = 0
  private var pace: GeneratorPace?

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
    var count = maxRows
    if let total = share.count {
      guard made < total else { return .end }
      count = Int(min(Int64(count), total - made))
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
