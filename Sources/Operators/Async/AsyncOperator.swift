import Arrow
import Base
import Dataflow
import VolleyPlan

/// Runs user code that answers later: rows go out a few at a time, at most so many are under way, and the results come in the order of
/// the rows or as they are there.
///
/// A watermark leaves when all rows before it have been answered, as does the signal that the input is idle.
public final class AsyncOperator: WaitingOperator {
  private enum Entry {
    case request(Request)
    /// Behind the request of that token.
    case signal(Signal, after: UInt64)

    var token: UInt64 {
      switch self {
      case .request(let request): request.token
      case .signal(_, let token): token
      }
    }
  }

  private enum Signal {
    case watermark(EventTime)
    case input(isIdle: Bool)

    func give(to output: any Collector) {
      switch self {
      case .watermark(let time): output.advance(to: time)
      case .input(let isIdle): output.follow(idle: isIdle)
      }
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
  private var entries: [Entry] = []
  private var rowsUnderWay = 0
  private var nextToken: UInt64 = 1

  private enum Waiting {
    case rows(RecordBatch)
    case signal(Signal)
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
    for case .request(let request) in entries where request.answer == nil { code.cancel(token: request.token) }
    entries = []
    waiting = []
    try code.close()
  }

  public var isFull: Bool { !waiting.isEmpty }
  public var isPending: Bool { !waiting.isEmpty || !entries.isEmpty }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    let rows = RecordBatch(
      schema: rowSchema, columns: columns.map { batch.compactedColumn($0) }, length: batch.rowCount)
    waiting.append(.rows(rows))
    try startMore()
    try giveAnswers(to: output)
  }

  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    take(.watermark(time), to: output)
  }

  public func inputBecame(idle: Bool, to output: any Collector) { take(.input(isIdle: idle), to: output) }

  private func take(_ signal: Signal, to output: any Collector) {
    if !isPending { return signal.give(to: output) }
    if waiting.isEmpty {
      entries.append(.signal(signal, after: nextToken - 1))
    } else {
      waiting.append(.signal(signal))
    }
  }

  // MARK: Going out

  private func startMore() throws(Failure) {
    var done = 0
    defer { waiting.removeFirst(done) }
    while done < waiting.count {
      switch waiting[done] {
      case .signal(let signal):
        entries.append(.signal(signal, after: nextToken - 1))
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
    if !results.isEmpty { return ProcessingTime(microseconds: .min) }
    // All have one timeout: the first that is not answered is the first to be given up.
    for case .request(let request) in entries where request.answer == nil { return request.deadline }
    return nil
  }

  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try giveAnswers(to: output)
    for case .request(let request) in entries where request.answer == nil {
      guard let deadline = request.deadline, deadline <= now else { break }
      throw Failure(
        .io, retryable: true,
        "\(request.rows) rows got no answer within \(settings.timeout ?? 0) µs; see to what answers, or raise the timeout"
      )
    }
  }

  private func giveAnswers(to output: any Collector) throws(Failure) {
    repeat {
      for completion in results.take() { try note(completion) }
      try give(to: output)
      try startMore()
      // What was started may have been answered at once.
    } while !results.isEmpty
  }

  private func note(_ completion: AsyncResults.Completion) throws(Failure) {
    // Tokens rise; a watermark has that of the request before it.
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].token < completion.token { low = middle + 1 } else { high = middle }
    }
    // An answer that comes twice, or to nothing, says nothing.
    guard low < entries.count, case .request(var request) = entries[low], request.token == completion.token,
      request.answer == nil
    else { return }
    request.answer = .some(try completion.result.get())
    rowsUnderWay -= request.rows
    entries[low] = .request(request)
  }

  /// Gives what may leave: in order, the answers up to the first that is missing, else all there are.
  private func give(to output: any Collector) throws(Failure) {
    var ready: [RecordBatch] = []
    var kept: [Entry] = []
    for (index, entry) in entries.enumerated() {
      let isFirst = kept.isEmpty
      switch entry {
      case .request(let request):
        if let answer = request.answer, isFirst || settings.order == .unordered {
          if let answer, answer.length > 0 { ready.append(answer) }
        } else {
          kept.append(entry)
        }
      case .signal(let signal, _):
        if isFirst {
          try emit(&ready, to: output)
          signal.give(to: output)
        } else {
          kept.append(entry)
        }
      }
      if !kept.isEmpty && settings.order == .ordered {
        kept = Array(entries[index...])
        break
      }
    }
    entries = kept
    try emit(&ready, to: output)
  }

  /// Small answers leave as one batch.
  private func emit(_ ready: inout [RecordBatch], to output: any Collector) throws(Failure) {
    guard !ready.isEmpty else { return }
    var columns: [Column] = []
    for index in outputSchema.fields.indices {
      columns.append(try Column.concatenate(ready.map { $0.columns[index] }))
    }
    let length = ready.reduce(0) { $0 + $1.length }
    ready = []
    try output.emit(RecordBatch(schema: outputSchema, columns: columns, length: length), output: 0)
  }
}
