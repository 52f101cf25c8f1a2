import VolleyPlan

extension DataStream {
  /// A row for each row. `In` and `Out` are structs; the columns that `In` names are handed over, and `Out` names the new
  /// ones. See `Schema.init(_:)` for the types that a field can have.
  ///
  /// - Parameter body: may be called on several threads at a time; an error that it throws stops the job.
  public func map<In: RowValue, Out: RowValue>(_ body: @escaping @Sendable (In) throws -> Out) -> DataStream {
    rows("map", In.self, Out.self) { row, target in try target.append(try body(row)) }
  }

  /// Any number of rows for each row.
  public func flatMap<In: RowValue, Rows: Sequence & SendableMetatype>(_ body: @escaping @Sendable (In) throws -> Rows)
    -> DataStream
  where Rows.Element: RowValue {
    rows("flatMap", In.self, Rows.Element.self) { row, target in
      for result in try body(row) { try target.append(result) }
    }
  }

  /// Code without state that takes batches and emits batches with the columns `output`.
  ///
  /// - Parameters:
  ///   - name: what `inspect` and reports call it.
  ///   - body: may be called on several threads at a time.
  public func batchFunction(
    _ name: String, output: Schema, _ body: @escaping @Sendable (Batch, Output) throws -> Void
  ) -> DataStream {
    batchFunction(name, output: output) { StatelessBatchFunction(body) }
  }

  /// Code that takes batches and emits batches with the columns `output`.
  ///
  /// - Parameter make: makes one instance a subtask.
  public func batchFunction(
    _ name: String, output: Schema, make: @escaping @Sendable () throws -> any BatchFunction
  ) -> DataStream {
    add(name, columns: nil, outputs: [output]) { .batchFunction(BatchInstance($0, try make())) }
  }

  /// Code that takes batches and emits batches on several outputs: one stream an output, in order.
  public func batchFunction(
    _ name: String, outputs: [Schema], make: @escaping @Sendable () throws -> any BatchFunction
  ) -> [DataStream] {
    if outputs.isEmpty { environment.report("\(name) \(environment.nextID) has no outputs: give it at least one") }
    let first = add(name, columns: nil, outputs: outputs) { .batchFunction(BatchInstance($0, try make())) }
    return outputs.indices.map {
      DataStream(environment: environment, input: Plan.Input(node: first.input.node, output: $0))
    }
  }

  private func rows<In: RowValue, Out: RowValue>(
    _ label: String, _: In.Type, _: Out.Type, _ body: @escaping @Sendable (In, RowWriter) throws -> Void
  ) -> DataStream {
    add(label, columns: Schema(In.self), outputs: [Schema(Out.self)]) {
      .batchFunction(BatchInstance($0, RowFunction<In, Out>(body)))
    }
  }

  private func add(
    _ label: String, columns: Schema?, outputs: [Schema], make: @escaping @Sendable (TaskContext) throws -> Instance
  ) -> DataStream {
    let id = environment.nextID
    for schema in [columns].compactMap({ $0 }) + outputs {
      if let problem = schema.problem { environment.report("\(label) \(id): \(problem)") }
    }
    let code = FunctionCode(id: "\(label):\(id)", make: make)
    environment.register([code])
    return environment.add(
      .batchFunction(
        .init(
          function: code.id, label: label,
          // A null in a field that is not optional is an error of that row, not of the plan: most columns may be null.
          columns: columns?.fields.map { Field($0.name, $0.type) }, outputs: outputs.map(\.fields))),
      inputs: [input])
  }
}

/// Calls a closure with each row of a batch, and emits what it appended.
final class RowFunction<In: RowValue, Out: RowValue>: BatchFunction {
  /// Rows that are emitted together, so that a flatMap does not make a batch without bound.
  private static var rowsPerBatch: Int { 65_536 }

  private let body: @Sendable (In, RowWriter) throws -> Void
  private var reader: RowReader<In>?
  private var builder: BatchBuilder?

  init(_ body: @escaping @Sendable (In, RowWriter) throws -> Void) { self.body = body }

  func process(_ batch: Batch, to output: Output) throws {
    let reader = try self.reader ?? RowReader(schema: batch.schema)
    self.reader = reader
    let builder = self.builder ?? output.builder()
    self.builder = builder
    do {
      var writer = try builder.writer(for: Out.self)
      try reader.forEach(batch) { row in
        try body(row, writer)
        if writer.rowCount >= Self.rowsPerBatch {
          try output.emit(builder)
          writer = try builder.writer(for: Out.self)
        }
      }
      try output.emit(builder)
    } catch {
      // The host may call again without the row that was refused: nothing of this call may be in what comes then.
      self.builder = nil
      throw error
    }
  }
}
