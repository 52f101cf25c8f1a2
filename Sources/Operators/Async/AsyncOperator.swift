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
    /// The token whose answer it waits for: its own, or that of a part of it.
    var awaited: UInt64
    /// Where records are set aside: the rows that are under way under that token.
    var inHand: RecordBatch?
    /// Of a request that was refused, the parts that have not gone out again, the first one last.
    var rest: [RecordBatch] = []
    /// The answers of its parts so far.
    var parts: [RecordBatch] = []
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
  /// Where records go that the code refuses; nil when they end the job.
  private let quarantine: Quarantine?
  /// By the token of a part of a request: the request's.
  private var requests: [UInt64: UInt64] = [:]

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
    context: SubtaskContext, quarantine: Quarantine? = nil
  ) {
    self.code = code
    self.settings = settings
    self.quarantine = quarantine
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
      if case .request(let request) = entry, request.answer == nil { code.cancel(token: request.awaited) }
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
    let token = takeToken()
    var request = Request(token: token, rows: rows.length, deadline: deadline, answer: nil, awaited: token)
    if quarantine != nil { request.inHand = rows }
    entries.append(.request(request))
    rowsUnderWay += rows.length
    do throws(Failure) { try code.start(rows, token: token, results: results) } catch {
      try take(.failure(error), at: entries.count - 1)
    }
  }

  private func takeToken() -> UInt64 {
    defer { nextToken += 1 }
    return nextToken
  }

  private var deadline: ProcessingTime? { settings.timeout.map { clock.now + $0 } }

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
    try quarantine?.giveUnlessHeld(to: output)
  }

  private func note(_ completion: AsyncResults.Completion) throws(Failure) {
    // An answer to a part is one to its request.
    let token = requests.isEmpty ? completion.token : requests.removeValue(forKey: completion.token) ?? completion.token
    // Tokens rise; signals have that of the request before them, or of a part of it.
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].token < token { low = middle + 1 } else { high = middle }
    }
    // An answer that comes twice, or to nothing, says nothing.
    guard low < entries.count, case .request(let request) = entries[low], request.token == token,
      request.awaited == completion.token, request.answer == nil
    else { return }
    try take(completion.result, at: low)
  }

  /// What the rows of a request that are under way have come to.
  private func take(_ result: Result<RecordBatch?, Failure>, at index: Int) throws(Failure) {
    guard case .request(var request) = entries[index] else { return }
    var answer: RecordBatch?
    if case .success(let whole) = result, request.rest.isEmpty, request.parts.isEmpty {
      answer = whole
    } else {
      guard try goOn(&request, result) else {
        entries[index] = .request(request)
        return
      }
      answer = try request.parts.isEmpty ? nil : whole(request.parts)
    }
    (request.inHand, request.parts) = (nil, [])
    request.answer = .some(answer)
    if settings.order == .unordered {
      answers.append((answer, request.rows))
      request.answer = .some(nil)
      request.rows = 0
    }
    entries[index] = .request(request)
  }

  /// Goes on with a request of several parts, one part after the other: what is refused goes out again in halves, until
  /// single rows are refused. Each part has the whole timeout.
  ///
  /// - Returns: whether nothing of it is left.
  private func goOn(_ request: inout Request, _ result: Result<RecordBatch?, Failure>) throws(Failure) -> Bool {
    var result = result
    while true {
      switch result {
      case .success(let answer): if let answer { request.parts.append(answer) }
      case .failure(let failure):
        guard let quarantine, failure.refusesRecords, let rows = request.inHand else { throw failure }
        if rows.length > 1 {
          request.rest.append(rows.slice(rows.length / 2..<rows.length))
          request.rest.append(rows.slice(0..<rows.length / 2))
        } else {
          try quarantine.setAside(rows, failure, input: 0)
        }
      }
      guard let part = request.rest.popLast() else { return true }
      let token = takeToken()
      (request.inHand, request.awaited, request.deadline) = (part, token, deadline)
      requests[token] = request.token
      do throws(Failure) {
        try code.start(part, token: token, results: results)
        return false
      } catch {
        requests[token] = nil
        result = .failure(error)
      }
    }
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
    try output.emit(whole(ready), output: 0)
  }

  /// Answers as one batch.
  private func whole(_ batches: [RecordBatch]) throws(Failure) -> RecordBatch {
    var columns: [Column] = []
    for index in outputSchema.fields.indices {
      columns.append(try Column.concatenate(batches.map { $0.columns[index] }))
    }
    return RecordBatch(
      schema: outputSchema, columns: columns, length: batches.reduce(0) { $0 + $1.length })
  }

  // MARK: Records that are set aside

  public func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {
    try quarantine?.barrier(epoch, to: output)
  }

  public func finish(to output: any Collector) throws(Failure) { try quarantine?.finish(to: output) }
}
