import CVolley
import VolleyPlan

/// A window function as the host calls it, whatever its types.
class AnyWindowInstance: AnyInstance {
  func process(_ call: volley_window_call) throws {}
}

final class WindowInstance<Function: ProcessWindowFunction>: AnyWindowInstance {
  private let function: Function
  /// Nil for windows of all rows, which have the key beside it.
  private let keys: StateCodec<Function.Key>?
  private let noKey: Function.Key?
  private let rows: RowReader<Function.In>
  private let output: RowOutput
  private var windowContext: WindowContext<Function.Key, Function.Out>?

  init(_ context: TaskContext, _ function: Function, sideOutputs: [String]) throws {
    self.function = function
    let keySchema = context.inputs.count > 1 ? context.inputs[1] : Schema([])
    noKey = NoKey() as? Function.Key
    keys = noKey == nil ? try StateCodec<Function.Key>.make(keySchema.fields.first?.name ?? "key") : nil
    rows = try RowReader(schema: context.inputs.first ?? Schema([]))
    output = RowOutput(context, sideOutputs: sideOutputs)
    super.init(context)
  }

  override func open() throws { try function.open(context) }
  override func close() throws { try function.close() }

  override func process(_ call: volley_window_call) throws {
    guard let keyArray = call.keys, let rowArray = call.rows, let rowEnds = call.row_ends else {
      throw VolleyError("the host called without keys or rows", domain: .internal)
    }
    let keyBatch = try Batch(moving: keyArray, schema: context.inputs[1])
    let batch = try Batch(moving: rowArray, schema: context.inputs[0])
    try keys?.check(keyBatch, owner: Function.Key.self)
    keys?.use(keyBatch.columns)
    rows.use(batch.columns)
    var row = 0
    do {
      for window in 0..<Int(call.window_count) {
        let context = try self.context(of: window, call)
        let end = Int(rowEnds[window])
        var values: [Function.In] = []
        values.reserveCapacity(end - row)
        while row < end {
          values.append(try rows.read(row))
          row += 1
        }
        try function.process(values, context: context)
      }
      try output.flush()
    } catch {
      output.forget()
      throw error
    }
    withExtendedLifetime((keyBatch, batch)) {}
  }

  private func context(
    of window: Int, _ call: volley_window_call
  ) throws -> WindowContext<Function.Key, Function.Out> {
    guard let key = try noKey ?? keys?.read(window) else {
      throw VolleyError("the host called without keys", domain: .internal)
    }
    let context = windowContext ?? WindowContext(self.context, key: key, output)
    windowContext = context
    context.key = key
    context.start = call.starts.map { Timestamp(microseconds: $0[window]) }
    context.end = call.ends.map { Timestamp(microseconds: $0[window]) }
    context.watermark = call.watermark == .min ? nil : Timestamp(microseconds: call.watermark)
    return context
  }
}

extension StateCodec {
  /// Refuses a key that is null where its type is not optional.
  func check(_ batch: Batch, owner: Any.Type) throws(VolleyError) {
    for (field, column) in zip(fields, batch.columns) where !field.nullable && column.nullCount > 0 {
      let name = batch.schema.fields.first { $0.name == field.name }?.name ?? field.name
      throw VolleyError(
        "the key '\(name)' is null in a row, and \(owner) is not optional: make Key \(owner)?, or filter such rows out before"
      )
    }
  }
}

extension Tables {
  // Written once, before anybody reads.
  nonisolated(unsafe) static let windowFunction = permanent(
    volley_window_function(
      header: header(volley_window_function.self), open: open, close: close, destroy: destroy,
      process: { pointer, call, error in
        serve(context(pointer), error) {
          guard let call else { throw VolleyError("a call without its struct", domain: .internal) }
          try instance(pointer, as: AnyWindowInstance.self).process(call.pointee)
        }
      },
      // All rows go with the call that made them.
      flush: { _, _ in VOLLEY_OK }))
}
