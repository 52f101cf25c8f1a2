import Arrow
import Base
import CVolley
import Dataflow
import Operators
import Synchronization

/// A plugin's asynchronous function.
final class PluginAsyncFunction: AsyncCode {
  private let instance: PluginInstance
  private let table: volley_async_function
  private let startSite: CallSite
  private let cancelSite: CallSite
  private let array: UnsafeMutablePointer<ArrowArray>

  init(_ instance: PluginInstance) throws(Failure) {
    self.instance = instance
    let table = try instance.table(
      volley_async_function.self, .asyncFunction, open: (\.open, volley_async_function_has_open),
      close: (\.close, volley_async_function_has_close), destroy: (\.destroy, volley_async_function_has_destroy))
    try table.require(\.start, "start", volley_async_function_has_start)
    try table.require(\.cancel, "cancel", volley_async_function_has_cancel)
    self.table = table.pointer.pointee
    startSite = instance.site("start")
    cancelSite = instance.site("cancel")
    array = .allocate(capacity: 1)
    array.initialize(to: ArrowArray())
  }

  deinit { array.deallocate() }

  func open() throws(Failure) { try instance.open() }

  func close() throws(Failure) { try instance.close() }

  func start(_ rows: RecordBatch, token: UInt64, results: AsyncResults) throws(Failure) {
    instance.context.asyncResults.withLock { $0 = results }
    instance.context.give(rows, in: array)
    instance.error.reset()
    let (pointer, array, error) = (instance.selfPointer, array, instance.error.pointer)
    let status = startSite.run { table.start(pointer, token, array, error) }
    ArrayLedger.takeBack(array)
    try instance.finish(status, "start")
  }

  func cancel(token: UInt64) {
    guard instance.isOpen else { return }
    let pointer = instance.selfPointer
    cancelSite.run { table.cancel(pointer, token) }
  }
}

// `async/1`.
extension HostInterfaces {
  static var async: volley_async { volley_async(header: .of(volley_async.self), complete: complete) }

  private static let complete:
    @convention(c) (
      UnsafePointer<volley_host>?, UInt64, UnsafeMutablePointer<ArrowArray>?, UnsafePointer<volley_error>?, Problem
    ) -> Int32 = { host, token, results, failure, problem in
      guard let context = InstanceContext.of(host) else {
        if let results { ArrayLedger.takeBack(results) }
        return VOLLEY_FAILED
      }
      do throws(Failure) {
        try CallSite.outsidePlugins { () throws(Failure) in try context.complete(token, results, failure) }
        return VOLLEY_OK
      } catch {
        return report(error, to: problem)
      }
    }
}

extension InstanceContext {
  /// Takes an answer from the plugin, on any thread.
  fileprivate func complete(
    _ token: UInt64, _ results: UnsafeMutablePointer<ArrowArray>?, _ failure: UnsafePointer<volley_error>?
  ) throws(Failure) {
    guard let target = asyncResults.withLock({ $0 }) else {
      if let results { arrays.drop(results) }
      throw Failure(.plugin, "\(label) called 'complete' before 'start'; complete only what was started")
    }
    if let failure {
      if let results { arrays.drop(results) }
      return target.complete(token, .failure(ErrorSlot.failure(failure, place: label, slot: "start")))
    }
    guard let results, results.pointee.release != nil else { return target.complete(token, .success(nil)) }
    do throws(Failure) {
      let batch = try arrays.take(results, schema: outputs[0]) { "\(label) completed with a batch" }
      target.complete(token, .success(batch))
    } catch {
      arrays.drop(results)
      target.complete(token, .failure(error))
      throw error
    }
  }
}
