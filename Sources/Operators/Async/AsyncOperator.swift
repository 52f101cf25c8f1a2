import Arrow
import Base
import Dataflow
import VolleyPlan

/// Runs user code that answers later: rows go out a few at a time, at most so many are under way, and the results come
/// in the order of the rows or as they are there.
///
/// A watermark leaves when all rows before it have been answered, as does the signal that the input is idle. Answers
/// that wait for others to leave, or to be given in a later call, count as under way, so that those that nobody takes
/// are never more than the capacity.
public final class AsyncOperator: WaitingOperator {
  private enum Entry {
    case request(Request)
    /// Behind the request of that token.
    case signals(Signals, after: UInt64)

    var token: UInt64 {
      switch self {
      case .request(let request): request.token
      case .signals(_, let token): token
      }
    }
  }

  /// What the input has said behind some rows: of each the last word, since there is nothing in between.
  private struct Signals {
    var watermark: EventTime?
    var isIdle: Bool?

    mutating func add(_ later: Signals) {
      if let time = later.watermark { self = Signals(watermark: time) }
      if let idle = later.isIdle { isIdle = idle }
    }

    func give(to output: any Collector) {
      if let watermark { output.advance(to: watermark) }
      if let isIdle { output.follow(idle: isIdle) }
    }
  }

  private struct Request {
    var token: UInt64
    var rows: Int
    var deadline: ProcessingTime?
    /// Nil until it is answered.
    var answer: RecordBatch??
  }

  private let code: any AsyncCode
  private let settings: Plan.AsyncSettings
  private let columns: [Int]
  private let rowSchema: Schema
  private let outputSchema: Schema
  private let clock: SubtaskClock
  private let results: AsyncResults
  /// What came and has not gone out: batches without a selection, and signals.
  private var waiting: [Waiting] = []
  /// In the order in which they went out.
  private var entries = Ring<Entry>()
  /// Unordered: answers that have not been given. Their entries say no rows.
  private var answers = Ring<(batch: RecordBatch?, rows: Int)>()
  /// That went out and whose answers have not been given.
  private var rowsUnderWay = 0
  private var nextToken: UInt64 = 1

  /// Bytes of answers that a call gives, but for one answer that is larger: far less than the 2 GiB that the text of a
  /// column may take.
  private static let callBytes = 16 << 20

  private enum Waiting {
    case rows(RecordBatch)
    case signals(Signals)
  }

  /// - Parameter columns: the input's columns that the code takes, in its order.
  public init(
    _ code: any AsyncCode, _ settings: Plan.AsyncSettings, columns: [Int], input: Schema, output: Schema,
    context: SubtaskContext
  ) {
    self.code = code
    self.settings = settings
    self.columns = columns
    rowSchema = Schema(columns.map { input.fields[$0] })
    outputSchema = output
    clock = context.clock
    results = AsyncResults(context.notifier)
  }

  public var makesWatermarks: Bool { true }
  public func open() throws(Failure) { try code.open() }

  public func close() throws(Failure) {
    results.close()
    while let entry = entries.popFirst() {
      if case .request(let request) = entry, request.answer == nil { code.cancel(token: request.token) }
    }
    answers = Ring()
    waiting = []
    try code.close()
  }

  public var isFull: Bool { !waiting.isEmpty }
  public var isPending: Bool { !waiting.isEmpty || !entries.isEmpty || !answers.isEmpty }
  public var pendingRows: Int {
    var rows = rowsUnderWay
    for case .rows(let batch) in waiting { rows += batch.length }
    return rows
  }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    let rows = RecordBatch(
      schema: rowSchema, columns: columns.map { batch.compactedColumn($0) }, length: batch.rowCount)
    waiting.append(.rows(rows))
    try startMore()
    try giveAnswers(to: output)
  }

  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    take(Signals(watermark: time), to: output)
  }

  public func inputBecame(idle: Bool, to output: any Collector) { take(Signals(isIdle: idle), to: output) }

  private func take(_ signals: Signals, to output: any Collector) {
    if !isPending { return signals.give(to: output) }
    if waiting.isEmpty { return goOut(signals) }
    if case .signals(var former) = waiting.last {
      former.add(signals)
      waiting[waiting.count - 1] = .signals(former)
    } else {
      waiting.append(.signals(signals))
    }
  }

  // MARK: Going out

  private func goOut(_ signals: Signals) {
    if case .signals(var former, let token) = entries.last {
      former.add(signals)
      entries[entries.count - 1] = .signals(former, after: token)
    } else {
      entries.append(.signals(signals, after: nextToken - 1))
    }
  }

  private func startMore() throws(Failure) {
    var done = 0
    defer { waiting.removeFirst(done) }
    while done < waiting.count {
      switch waiting[done] {
      case .signals(let signals):
        goOut(signals)
        done += 1
      case .rows(let batch):
        var start = 0
        while start < batch.length, rowsUnderWay < settings.capacity {
          let count = min(batch.length - start, settings.capacity - rowsUnderWay, settings.rowsPerCall)
          try begin(batch.slice(start..<(start + count)))
          start += count
        }
        if start < batch.length {
          waiting[done] = .rows(batch.slice(start..<batch.length))
          return
        }
        done += 1
      }
    }
  }

  private func begin(_ rows: RecordBatch) throws(Failure) {
    let token = nextToken
    nextToken += 1
    let deadline = settings.timeout.map { clock.now + $0 }
    entries.append(.request(Request(token: token, rows: rows.length, deadline: deadline, answer: nil)))
    rowsUnderWay += rows.length
    try code.start(rows, token: token, results: results)
  }

  // MARK: Coming back

  public var wakeTime: ProcessingTime? {
    if !results.isEmpty || !answers.isEmpty { return ProcessingTime(microseconds: .min) }
    switch entries.peek {
    case nil: return nil
    // All have one timeout: the first that is not answered is the first to be given up, and nothing that is answered is
    // before it.
    case .request(let request) where request.answer == nil: return request.deadline
    default: return ProcessingTime(microseconds: .min)
    }
  }

  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try giveAnswers(to: output)
    guard case .request(let request) = entries.peek, request.answer == nil, let deadline = request.deadline,
      deadline <= now
    else { return }
    throw Failure(
      .io, retryable: true,
      "\(request.rows) rows got no answer within \(settings.timeout ?? 0) µs; see to what answers, or raise the timeout"
    )
  }

  /// What was started may have been answered at once: `wakeTime` says so then, as it does when this was not all.
  private func giveAnswers(to output: any Collector) throws(Failure) {
    for completion in results.take() { try note(completion) }
    try give(to: output)
    try startMore()
  }

  private func note(_ completion: AsyncResults.Completion) throws(Failure) {
    // Tokens rise; signals have that of the request before them.
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].token < completion.token { low = middle + 1 } else { high = middle }
    }
    // An answer that comes twice, or to nothing, says nothing.
    guard low < entries.count, case .request(var request) = entries[low], request.token == completion.token,
      request.answer == nil
    else { return }
    let answer = try completion.result.get()
    request.answer = .some(answer)
    if settings.order == .unordered {
      answers.append((answer, request.rows))
      request.answer = .some(nil)
      request.rows = 0
    }
    entries[low] = .request(request)
  }

  /// Answers that leave as one batch, and the bytes that the call has given with them.
  private struct Block {
    var batches: [RecordBatch] = []
    var bytes = 0

    /// False when it has no room for it, in this call.
    mutating func take(_ batch: RecordBatch?) -> Bool {
      guard let batch, batch.length > 0 else { return true }
      let size = batch.byteCount
      if bytes > 0, bytes + size > AsyncOperator.callBytes { return false }
      batches.append(batch)
      bytes += size
      return true
    }
  }

  /// Gives what may leave, as far as one call does: in order, the answers up to the first that is missing, else all
  /// there are.
  private func give(to output: any Collector) throws(Failure) {
    var block = Block()
    while let answer = answers.peek, block.take(answer.batch) {
      _ = answers.popFirst()
      rowsUnderWay -= answer.rows
    }
    // Of the answers that are left some may belong before the next watermark.
    while answers.isEmpty, let entry = entries.peek {
      switch entry {
      case .request(let request):
        guard let answer = request.answer, block.take(answer) else { return try emit(&block, to: output) }
        rowsUnderWay -= request.rows
      case .signals(let signals, _):
        try emit(&block, to: output)
        signals.give(to: output)
      }
      _ = entries.popFirst()
    }
    try emit(&block, to: output)
  }

  /// Small answers leave as one batch.
  private func emit(_ block: inout Block, to output: any Collector) throws(Failure) {
    let ready = block.batches
    block.batches = []
    guard !ready.isEmpty else { return }
    var columns: [Column] = []
    for index in outputSchema.fields.indices {
      columns.append(try Column.concatenate(ready.map { $0.columns[index] }))
    }
    let length = ready.reduce(0) { $0 + $1.length }
    try output.emit(RecordBatch(schema: outputSchema, columns: columns, length: length), output: 0)
  }
}
