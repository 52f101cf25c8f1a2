import Arrow
import Base
import CVolley
import Dataflow

/// A plugin's batch function as an operator.
final class PluginBatchFunction: Operator {
  private let instance: PluginInstance
  private let processSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UInt32, UnsafeMutablePointer<ArrowArray>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let flushSlot: PluginInstance.Lifecycle
  private let processSite: CallSite
  private let flushSite: CallSite
  private let array: UnsafeMutablePointer<ArrowArray>

  init(_ instance: PluginInstance) throws(Failure) {
    self.instance = instance
    let table = try instance.table(
      volley_batch_function.self, .batchFunction, open: (\.open, volley_batch_function_has_open),
      close: (\.close, volley_batch_function_has_close), destroy: (\.destroy, volley_batch_function_has_destroy))
    try table.require(\.process, "process", volley_batch_function_has_process)
    try table.require(\.flush, "flush", volley_batch_function_has_flush)
    processSlot = table.pointer.pointee.process
    flushSlot = table.pointer.pointee.flush
    processSite = instance.site("process")
    flushSite = instance.site("flush")
    array = .allocate(capacity: 1)
    array.initialize(to: ArrowArray())
  }

  deinit { array.deallocate() }

  func open() throws(Failure) { try instance.open() }

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    let context = instance.context
    context.give(batch.compacted(), in: array)
    instance.error.reset()
    let (slot, pointer, array, error) = (processSlot, instance.selfPointer, array, instance.error.pointer)
    context.beginEmitting(to: output)
    let status = processSite.run { slot(pointer, UInt32(input), array, error) }
    context.endEmitting()
    ArrayLedger.takeBack(array)
    try instance.finish(status, "process")
  }

  func finish(to output: any Collector) throws(Failure) {
    let context = instance.context
    instance.error.reset()
    let (slot, pointer, error) = (flushSlot, instance.selfPointer, instance.error.pointer)
    context.beginEmitting(to: output)
    let status = flushSite.run { slot(pointer, error) }
    context.endEmitting()
    try instance.finish(status, "flush")
  }

  func close() throws(Failure) { try instance.close() }
}
