import Arrow
import Base
import Synchronization

@testable import Dataflow

/// Gives a list of batches, or what a closure makes, checks the order of its calls and notes them.
final class TestSource: Source, @unchecked Sendable {
  let name: String
  let blocks: Bool
  private let journal: Journal
  private let next: () -> ReadOutcome
  private let onStop: @Sendable () -> Void
  private var life: Lifecycle

  init(
    _ name: String, blocks: Bool = false, journal: Journal, onStop: @escaping @Sendable () -> Void = {},
    next: @escaping () -> ReadOutcome
  ) {
    self.name = name
    self.blocks = blocks
    self.journal = journal
    self.next = next
    self.onStop = onStop
    life = Lifecycle(name)
  }

  convenience init(_ name: String, blocks: Bool = false, journal: Journal, batches: [[Int64]]) {
    var rest = batches[...]
    self.init(name, blocks: blocks, journal: journal) {
      rest.popFirst().map { .batch(Rows.batch($0)) } ?? .end
    }
  }

  func open() throws(Failure) {
    try journal.note(name, "open")
    life.open()
  }
  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    life.use()
    do throws(Failure) { try journal.note(name, "read") } catch {
      life.fail()
      throw error
    }
    let outcome = next()
    if case .end = outcome { life.finish() }
    return outcome
  }
  func stop() {
    onStop()
    do throws(Failure) { try journal.note(name, "stop") } catch { preconditionFailure("stop does not fail") }
  }
  func close() throws(Failure) {
    life.close()
    try journal.note(name, "close")
  }
}

/// Hands on what a closure makes of each batch, checks the order of its calls and notes them.
final class TestOperator: Operator, @unchecked Sendable {
  typealias Body = (RecordBatch, Int, any Collector) throws(Failure) -> Void
  let name: String
  private let journal: Journal
  private let body: Body
  private let onWatermark: (EventTime, any Collector) throws(Failure) -> Void
  private let onFinish: (any Collector) throws(Failure) -> Void
  private var life: Lifecycle

  init(
    _ name: String, journal: Journal,
    body: @escaping Body = { (batch, _, output) throws(Failure) in try output.emit(batch, output: 0) },
    onWatermark: @escaping (EventTime, any Collector) throws(Failure) -> Void = { _, _ in },
    onFinish: @escaping (any Collector) throws(Failure) -> Void = { _ in }
  ) {
    self.name = name
    self.journal = journal
    self.body = body
    self.onWatermark = onWatermark
    self.onFinish = onFinish
    life = Lifecycle(name)
  }

  func open() throws(Failure) {
    try journal.note(name, "open")
    life.open()
  }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    life.use()
    precondition(batch.rowCount > 0, "no empty batch comes to an operator")
    try failing { () throws(Failure) in
      try journal.note(name, "process")
      try body(batch, input, output)
    }
  }
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    life.use()
    try failing { () throws(Failure) in
      try journal.note(name, "watermark")
      try onWatermark(time, output)
    }
  }
  func finish(to output: any Collector) throws(Failure) {
    life.finish()
    try failing { () throws(Failure) in
      try journal.note(name, "finish")
      try onFinish(output)
    }
  }
  func close() throws(Failure) {
    life.close()
    try journal.note(name, "close")
  }
  private func failing(_ call: () throws(Failure) -> Void) throws(Failure) {
    do throws(Failure) { try call() } catch {
      life.fail()
      throw error
    }
  }
}

/// Keeps what is written in the journal, checks the order of its calls and notes them.
final class TestSink: Sink, @unchecked Sendable {
  let name: String
  let blocks: Bool
  private let journal: Journal
  private let onWrite: @Sendable (RecordBatch) -> Void
  private let onFlush: @Sendable () -> Void
  private let due: @Sendable () -> MonotonicTime?
  private var life: Lifecycle

  init(
    _ name: String, blocks: Bool = false, journal: Journal,
    onWrite: @escaping @Sendable (RecordBatch) -> Void = { _ in }, onFlush: @escaping @Sendable () -> Void = {},
    due: @escaping @Sendable () -> MonotonicTime? = { nil }
  ) {
    self.name = name
    self.blocks = blocks
    self.due = due
    self.onFlush = onFlush
    self.journal = journal
    self.onWrite = onWrite
    life = Lifecycle(name)
  }

  func open() throws(Failure) {
    try journal.note(name, "open")
    life.open()
  }
  func write(_ batch: RecordBatch) throws(Failure) {
    life.use()
    precondition(batch.length > 0 && batch.selection == nil, "a sink gets rows without a selection")
    try failing("write")
    onWrite(batch)
    journal.add(Rows.ids(batch), to: name)
  }
  var dueTime: MonotonicTime? { due() }
  func flush() throws(Failure) {
    life.use()
    onFlush()
    try failing("flush")
  }
  func close(complete: Bool) throws(Failure) {
    life.close()
    try journal.note(name, complete ? "close complete" : "close incomplete")
    try journal.note(name, "close")
  }
  private func failing(_ call: String) throws(Failure) {
    do throws(Failure) { try journal.note(name, call) } catch {
      life.fail()
      throw error
    }
  }
}

/// Scatters by id modulo the number of targets.
final class ModuloPartitioner: Partitioner {
  func partition(_ batch: RecordBatch, targets: Int) throws(Failure) -> [RecordBatch?] {
    let ids = Rows.ids(batch)
    return (0..<targets).map { target in
      let part = ids.filter { ModuloPartitioner.target(of: $0, targets) == target }
      return part.isEmpty ? nil : Rows.batch(part)
    }
  }

  static func target(of id: Int64, _ targets: Int) -> Int { Int(id.magnitude % UInt64(targets)) }
}
