import CVolley

// The call tables that this SDK fills, one a kind. They live as long as the process and never change.

/// Runs user code for the host: the instance is the thread's current one meanwhile, and an error becomes a status.
///
/// A call may come inside another one of the same plugin: an `emit` can run the next operator of the chain.
func serve(
  _ context: TaskContext?, _ error: UnsafeMutablePointer<volley_error>?, _ body: () throws -> Void
) -> Int32 {
  let previous = volley_get_current()
  if let context { volley_set_current(Unmanaged.passUnretained(context).toOpaque()) }
  defer { volley_set_current(previous) }
  do {
    try body()
    return VOLLEY_OK
  } catch let failure {
    VolleyError(any: failure).write(to: error)
    return VOLLEY_FAILED
  }
}

/// The instance behind a pointer that `create` gave out.
func instance<T: AnyInstance>(_ pointer: UnsafeMutableRawPointer?, as _: T.Type = T.self) throws(VolleyError)
  -> T
{
  guard let pointer else { throw VolleyError("the host called without an instance", domain: .internal) }
  guard let instance = Unmanaged<AnyInstance>.fromOpaque(pointer).takeUnretainedValue() as? T else {
    throw VolleyError("the host called an instance as one of another kind", domain: .internal)
  }
  return instance
}

func context(_ pointer: UnsafeMutableRawPointer?) -> TaskContext? {
  pointer.map { Unmanaged<AnyInstance>.fromOpaque($0).takeUnretainedValue().context }
}

/// Memory that is never freed.
func permanent<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
  let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
  pointer.initialize(to: value)
  return pointer
}

enum Tables {
  typealias Call = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<volley_error>?) -> Int32

  // What every table begins with.
  static let open: Call = { pointer, error in
    serve(context(pointer), error) { try instance(pointer, as: AnyInstance.self).open() }
  }

  static let close: Call = { pointer, error in
    serve(context(pointer), error) { try instance(pointer, as: AnyInstance.self).close() }
  }

  static let destroy: @convention(c) (UnsafeMutableRawPointer?) -> Void = { pointer in
    if let pointer { Unmanaged<AnyInstance>.fromOpaque(pointer).release() }
  }

  static func header<Table>(_: Table.Type) -> volley_header {
    volley_header(size: UInt32(MemoryLayout<Table>.size), major: abiMajor, minor: abiMinor)
  }

  // Written once, before anybody reads.
  nonisolated(unsafe) static let scalarFunction = permanent(
    volley_scalar_function(
      header: header(volley_scalar_function.self), open: open, close: close, destroy: destroy,
      call: { pointer, arguments, result, error in
        serve(context(pointer), error) {
          guard let arguments, let result else { throw VolleyError("a call without columns", domain: .internal) }
          try instance(pointer, as: ScalarInstance.self).call(arguments, result)
        }
      }))

  nonisolated(unsafe) static let batchFunction = permanent(
    volley_batch_function(
      header: header(volley_batch_function.self), open: open, close: close, destroy: destroy,
      process: { pointer, input, batch, error in
        serve(context(pointer), error) {
          guard let batch else { throw VolleyError("a call without a batch", domain: .internal) }
          try instance(pointer, as: BatchInstance.self).process(Int(input), batch)
        }
      },
      flush: { pointer, error in
        serve(context(pointer), error) { try instance(pointer, as: BatchInstance.self).flush() }
      }))

  nonisolated(unsafe) static let source = permanent(
    volley_source(
      header: header(volley_source.self), open: open, close: close, destroy: destroy,
      read: { pointer, maxRows, timeout, batch, outcome, error in
        serve(context(pointer), error) {
          guard let batch, let outcome else { throw VolleyError("a read without a batch", domain: .internal) }
          outcome.pointee = try instance(pointer, as: SourceInstance.self).read(maxRows, timeout, batch)
        }
      },
      // Beside a read, so the thread's current instance stays as it is.
      stop: { pointer in try? instance(pointer, as: SourceInstance.self).stop() }, positions: nil, resume: nil))

  nonisolated(unsafe) static let replayableSource: UnsafeMutablePointer<volley_source> = {
    var table = source.pointee
    table.positions = { pointer, json, length, error in
      serve(context(pointer), error) {
        try instance(pointer, as: SourceInstance.self).positions().write(to: json, length)
      }
    }
    table.resume = { pointer, json, length, error in
      serve(context(pointer), error) { try instance(pointer, as: SourceInstance.self).resume(json, length) }
    }
    return permanent(table)
  }()

  nonisolated(unsafe) static let sink = permanent(
    volley_sink(
      header: header(volley_sink.self), open: open, close: close, destroy: destroy,
      write: { pointer, batch, error in
        serve(context(pointer), error) {
          guard let batch else { throw VolleyError("a write without a batch", domain: .internal) }
          try instance(pointer, as: SinkInstance.self).write(batch)
        }
      },
      flush: { pointer, error in
        serve(context(pointer), error) { try instance(pointer, as: SinkInstance.self).flush() }
      },
      finish: { pointer, error in
        serve(context(pointer), error) { try instance(pointer, as: SinkInstance.self).finish() }
      }, prepare: nil, commit: nil, recover: nil))

  nonisolated(unsafe) static let transactionalSink: UnsafeMutablePointer<volley_sink> = {
    var table = sink.pointee
    table.prepare = { pointer, epoch, json, length, error in
      serve(context(pointer), error) {
        try instance(pointer, as: SinkInstance.self).prepare(epoch).write(to: json, length)
      }
    }
    table.commit = { pointer, json, length, error in
      serve(context(pointer), error) { try instance(pointer, as: SinkInstance.self).commit(json, length) }
    }
    table.recover = { pointer, own, ownLength, all, allLength, error in
      serve(context(pointer), error) {
        try instance(pointer, as: SinkInstance.self).recover(own, ownLength, all, allLength)
      }
    }
    return permanent(table)
  }()
}

extension Instance {
  var kind: UInt32 {
    switch self {
    case .scalarFunction: VOLLEY_KIND_SCALAR_FUNCTION
    case .batchFunction: VOLLEY_KIND_BATCH_FUNCTION
    case .source: VOLLEY_KIND_SOURCE
    case .sink: VOLLEY_KIND_SINK
    case .codec: VOLLEY_KIND_CODEC
    case .keyedProcess: VOLLEY_KIND_KEYED_PROCESS
    case .aggregate: VOLLEY_KIND_AGGREGATE
    case .windowFunction: VOLLEY_KIND_WINDOW_FUNCTION
    case .watermarkAssigner: VOLLEY_KIND_WATERMARK_ASSIGNER
    case .asyncFunction: VOLLEY_KIND_ASYNC_FUNCTION
    }
  }

  /// Hands the instance to the host, which destroys it.
  func write(to target: UnsafeMutablePointer<volley_instance>) {
    let (instance, table): (AnyInstance, UnsafeRawPointer) =
      switch self {
      case .scalarFunction(let instance): (instance, UnsafeRawPointer(Tables.scalarFunction))
      case .batchFunction(let instance): (instance, UnsafeRawPointer(Tables.batchFunction))
      case .source(let instance):
        (instance, UnsafeRawPointer(instance.isReplayable ? Tables.replayableSource : Tables.source))
      case .sink(let instance):
        (instance, UnsafeRawPointer(instance.isTransactional ? Tables.transactionalSink : Tables.sink))
      case .codec(let instance): (instance, UnsafeRawPointer(Tables.coder))
      case .keyedProcess(let instance): (instance, UnsafeRawPointer(Tables.keyedProcess))
      case .aggregate(let instance): (instance, UnsafeRawPointer(Tables.aggregate))
      case .windowFunction(let instance): (instance, UnsafeRawPointer(Tables.windowFunction))
      case .watermarkAssigner(let instance): (instance, UnsafeRawPointer(Tables.watermarkAssigner))
      case .asyncFunction(let instance): (instance, UnsafeRawPointer(Tables.asyncFunction))
      }
    target.pointee.`self` = Unmanaged.passRetained(instance).toOpaque()
    target.pointee.table = table
  }
}
