import CVolley

/// Code of the author's that takes batches and emits batches, with state of its own. One instance a subtask, used by one
/// thread at a time. Order of calls: open, process…, flush, close; after an error only close. But where the run sets records
/// aside (`--quarantine`), `process` is called again with fewer rows after it has thrown: what it emitted in the call that
/// failed went nowhere, and what it changed of its own must be as it was before.
public protocol BatchFunction: AnyObject {
  func open(_ context: TaskContext) throws
  /// One batch of the input.
  func process(_ batch: Batch, to output: Output) throws
  /// The input has ended: emits what was held back.
  func flush(to output: Output) throws
  func close() throws
}

extension BatchFunction {
  public func open(_ context: TaskContext) throws {}
  public func flush(to output: Output) throws {}
  public func close() throws {}
}

/// A batch function without state.
final class StatelessBatchFunction: BatchFunction {
  let body: @Sendable (Batch, Output) throws -> Void
  init(_ body: @escaping @Sendable (Batch, Output) throws -> Void) { self.body = body }
  func process(_ batch: Batch, to output: Output) throws { try body(batch, output) }
}

/// Where a batch function's results go.
public final class Output {
  let context: TaskContext

  init(_ context: TaskContext) { self.context = context }

  /// The time on the job's clock, see `TaskContext.now`.
  public var now: Timestamp { context.now }

  /// Random numbers that come again when a run goes on from a checkpoint, see `TaskContext.random`.
  public var random: HostRandom {
    get { context.random }
    set {}
  }

  /// An empty batch with the columns of an output.
  public func builder(_ output: Int = 0) -> BatchBuilder {
    precondition(output >= 0 && output < context.outputs.count, "there is no output \(output)")
    return BatchBuilder(context.outputs[output])
  }

  /// Hands on what was built; nothing happens when it has no rows. The builder can be used for the next batch.
  public func emit(_ builder: BatchBuilder, output: Int = 0) throws {
    try check(output, builder.schema)
    let (rowCount, columns) = try builder.take()
    if rowCount > 0 { try emit(columns, rowCount: rowCount, output: output) }
  }

  /// Hands on an input batch as it is, without a copy; the output must have its columns.
  public func emit(_ batch: Batch, output: Int = 0) throws {
    try check(output, batch.schema)
    guard batch.rowCount > 0 else { return }
    try emit(try batch.schema.fields.indices.map { try batch.exported($0) }, rowCount: batch.rowCount, output: output)
  }

  private func check(_ output: Int, _ schema: Schema) throws(VolleyError) {
    let outputs = context.outputs
    guard output >= 0 && output < outputs.count else {
      throw VolleyError("there is no output \(output): the function declared \(outputs.count)")
    }
    let wanted = outputs[output].fields
    guard schema.fields.elementsEqual(wanted, by: { $0.name == $1.name && $0.type == $1.type }) else {
      throw VolleyError(
        "output \(output) has the columns \(Self.text(wanted)), and the batch has \(Self.text(schema.fields))")
    }
  }

  private static func text(_ fields: [Field]) -> String { fields.map(\.description).joined(separator: ", ") }

  private func emit(_ columns: [ExportedColumn], rowCount: Int, output: Int) throws(VolleyError) {
    guard let table = context.emitTable, volley_emit_has_emit(table) != 0 else {
      throw VolleyError("this host lacks the interface emit/1, so a batch function cannot give rows: use a newer host")
    }
    var array = ArrowArray()
    ExportedColumn.export(columns, rowCount: rowCount, to: &array)
    try callHost { error in table.pointee.emit(context.host, UInt32(output), &array, error) }
  }
}
