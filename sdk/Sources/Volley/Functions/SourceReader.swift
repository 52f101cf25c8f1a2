/// What a read gave.
public enum ReadOutcome: Sendable {
  /// The batch has rows.
  case rows
  /// Nothing now: read again.
  case idle
  /// The source has ended; it is not read again.
  case end
}

/// Code of the author's that brings rows in. One instance a subtask, on a thread of its own: it may block. Order of calls:
/// open, read…, close.
public protocol SourceReader: AnyObject {
  func open(_ context: TaskContext) throws
  /// Appends at most `maxRows` rows to `batch`. Waits at most `timeout` for the first one, and does not wait for more.
  func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome
  /// The job stops: a `read` in progress should return soon. Called beside it, from another thread; a reader that looks at
  /// `TaskContext.isStopping` now and then needs none.
  func stop()
  func close() throws
}

extension SourceReader {
  public func open(_ context: TaskContext) throws {}
  public func stop() {}
  public func close() throws {}
}

/// Code of the author's that takes rows out. One instance a subtask, on a thread of its own: it may block. Order of calls:
/// open, (write | flush)…, flush, finish, close; without finish when the job failed.
public protocol SinkWriter: AnyObject {
  func open(_ context: TaskContext) throws
  func write(_ batch: Batch) throws
  /// What was written is where it belongs when this returns. Called when the input pauses, and at its end.
  func flush() throws
  /// The job ended well: what was written is complete. Where it is not called, nothing half-written may look whole.
  func finish() throws
  func close() throws
}

extension SinkWriter {
  public func open(_ context: TaskContext) throws {}
  public func flush() throws {}
  public func finish() throws {}
  public func close() throws {}
}

/// The rows of a sequence; only the first subtask has any.
final class SequenceReader<Row: RowValue, Rows: Sequence>: SourceReader where Rows.Element == Row {
  private let make: @Sendable () throws -> Rows
  private var iterator: Rows.Iterator?
  private var context: TaskContext?

  init(_ make: @escaping @Sendable () throws -> Rows) { self.make = make }

  func open(_ context: TaskContext) throws {
    self.context = context
    if context.subtask == 0 { iterator = try make().makeIterator() }
  }

  /// The sequence may be slow: what there is goes on after `timeout`, and a job that stops gets no further row.
  func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome {
    let clock = ContinuousClock()
    // A fast sequence fills batches, however short the time is.
    let due = clock.now + max(timeout, .milliseconds(10))
    for read in 0..<maxRows {
      guard context?.isStopping != true, let row = iterator?.next() else {
        iterator = nil
        return read == 0 ? .end : .rows
      }
      try batch.append(row)
      if clock.now >= due { break }
    }
    return .rows
  }
}

/// Calls a closure with each row.
final class RowSink<Row: RowValue>: SinkWriter {
  private let body: @Sendable (Row) throws -> Void
  private var reader: RowReader<Row>?

  init(_ body: @escaping @Sendable (Row) throws -> Void) { self.body = body }

  func write(_ batch: Batch) throws {
    let reader = try self.reader ?? RowReader(schema: batch.schema)
    self.reader = reader
    try reader.forEach(batch, body)
  }
}
