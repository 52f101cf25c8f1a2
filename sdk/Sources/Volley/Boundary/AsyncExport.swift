import CVolley
import Synchronization
import VolleyPlan

/// An asynchronous function as the host calls it, whatever its types.
class AnyAsyncInstance: AnyInstance {
  func start(_ token: UInt64, _ rows: UnsafeMutablePointer<ArrowArray>) throws {}
  func cancel(_ token: UInt64) {}
}

final class AsyncInstance<In: RowValue & Sendable, Out: RowValue & Sendable>: AnyAsyncInstance {
  private let rows: RowReader<In>
  private let answers: AsyncAnswers
  private let body: @Sendable (In) async throws -> [Out]

  init(_ context: TaskContext, _ body: @escaping @Sendable (In) async throws -> [Out]) throws {
    rows = try RowReader(schema: context.inputs.first ?? Schema([]))
    answers = try AsyncAnswers(context)
    self.body = body
    super.init(context)
  }

  /// After it no answer goes to the host, whatever still runs.
  override func close() throws { answers.close() }

  override func start(_ token: UInt64, _ array: UnsafeMutablePointer<ArrowArray>) throws {
    let batch = try Batch(moving: array, schema: context.inputs[0])
    var values: [(row: In, call: AsyncCall)] = []
    values.reserveCapacity(batch.rowCount)
    try rows.forEach(batch) { values.append(($0, AsyncCall(context))) }
    let (body, answers) = (body, answers)
    answers.run(token) { [values] in
      do {
        answers.complete(token, rows: try await Self.results(values, body))
      } catch {
        answers.fail(token, error)
      }
    }
  }

  /// All rows at a time, the results in the rows' order.
  private static func results(
    _ values: [(row: In, call: AsyncCall)], _ body: @escaping @Sendable (In) async throws -> [Out]
  ) async throws -> [Out] {
    if values.count == 1 {
      return try await AsyncCall.$running.withValue(values[0].call) { try await body(values[0].row) }
    }
    return try await withThrowingTaskGroup(of: (Int, [Out]).self) { group in
      for (index, value) in values.enumerated() {
        group.addTask { (index, try await AsyncCall.$running.withValue(value.call) { try await body(value.row) }) }
      }
      var results = [[Out]](repeating: [], count: values.count)
      for try await (index, rows) in group { results[index] = rows }
      return results.flatMap { $0 }
    }
  }

  override func cancel(_ token: UInt64) { answers.cancel(token) }
}

/// The tasks that run, and the way of their answers to the host, from any thread.
private final class AsyncAnswers: Sendable {
  private struct State {
    var tasks: [UInt64: Task<Void, Never>] = [:]
    var isClosed = false
  }

  private let state = Mutex(State())
  private let context: TaskContext
  // The host's table lives as long as the process.
  private nonisolated(unsafe) let table: UnsafePointer<volley_async>

  init(_ context: TaskContext) throws(VolleyError) {
    guard let table: UnsafePointer<volley_async> = context.interface(VOLLEY_INTERFACE_ASYNC),
      volley_async_has_complete(table) != 0
    else {
      throw VolleyError(
        "this host lacks the interface async/1, which an asynchronous function needs: use a newer host")
    }
    self.context = context
    self.table = table
  }

  func run(_ token: UInt64, _ work: @escaping @Sendable () async -> Void) {
    state.withLock { state in
      if state.isClosed { return }
      // It cannot end before it is kept: its answer takes the lock.
      state.tasks[token] = Task(operation: work)
    }
  }

  func cancel(_ token: UInt64) { state.withLock { $0.tasks.removeValue(forKey: token) }?.cancel() }

  func close() {
    let tasks = state.withLock { state in
      state.isClosed = true
      defer { state.tasks = [:] }
      return state.tasks
    }
    for task in tasks.values { task.cancel() }
  }

  func complete<Row: RowValue>(_ token: UInt64, rows: [Row]) {
    do {
      guard !rows.isEmpty else { return try answer(token, nil) }
      let builder = BatchBuilder(context.outputs[0])
      let writer = try builder.writer(for: Row.self)
      for row in rows { try writer.append(row) }
      let (rowCount, columns) = try builder.take()
      var array = ArrowArray()
      ExportedColumn.export(columns, rowCount: rowCount, to: &array)
      try answer(token, &array)
    } catch {
      fail(token, error)
    }
  }

  /// Under the lock: once the instance is closed the host is not called any more.
  private func answer(_ token: UInt64, _ array: UnsafeMutablePointer<ArrowArray>?) throws(VolleyError) {
    nonisolated(unsafe) let array = array
    var refusal: VolleyError?
    state.withLock { state in
      guard !state.isClosed, state.tasks.removeValue(forKey: token) != nil else {
        if let array { array.pointee.release?(array) }
        return
      }
      do throws(VolleyError) {
        try callHost { error in table.pointee.complete(context.host, token, array, nil, error) }
      } catch {
        refusal = error
      }
    }
    if let refusal { throw refusal }
  }

  func fail(_ token: UInt64, _ error: any Error) {
    state.withLock { state in
      guard !state.isClosed, state.tasks.removeValue(forKey: token) != nil else { return }
      let capacity = 4096
      let message = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
      defer { message.deallocate() }
      var failure = volley_error()
      failure.header = Tables.header(volley_error.self)
      failure.message = message
      failure.message_capacity = UInt32(capacity)
      VolleyError(any: error).write(to: &failure)
      // The job ends; there is nobody else to tell.
      try? callHost { error in table.pointee.complete(context.host, token, nil, &failure, error) }
    }
  }
}

extension Tables {
  // Written once, before anybody reads.
  nonisolated(unsafe) static let asyncFunction = permanent(
    volley_async_function(
      header: header(volley_async_function.self), open: open, close: close, destroy: destroy,
      start: { pointer, token, rows, error in
        serve(context(pointer), error) {
          guard let rows else { throw VolleyError("a call without rows", domain: .internal) }
          try instance(pointer, as: AnyAsyncInstance.self).start(token, rows)
        }
      },
      cancel: { pointer, token in (try? instance(pointer, as: AnyAsyncInstance.self))?.cancel(token) }))
}
