import Arrow
import Base
import CVolley
import Dataflow

/// A plugin's sink. It may block, so it has a thread of its own.
final class PluginSink: Sink {
  private let instance: PluginInstance
  private let writeSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutablePointer<ArrowArray>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let flushSlot: PluginInstance.Lifecycle
  private let finishSlot: PluginInstance.Lifecycle
  private let writeSite: CallSite
  private let array: UnsafeMutablePointer<ArrowArray>

  let blocks = true

  init(_ instance: PluginInstance) throws(Failure) {
    self.instance = instance
    let table = try instance.table(
      volley_sink.self, .sink, open: (\.open, volley_sink_has_open), close: (\.close, volley_sink_has_close),
      destroy: (\.destroy, volley_sink_has_destroy))
    try table.require(\.write, "write", volley_sink_has_write)
    try table.require(\.flush, "flush", volley_sink_has_flush)
    try table.require(\.finish, "finish", volley_sink_has_finish)
    writeSlot = table.pointer.pointee.write
    flushSlot = table.pointer.pointee.flush
    finishSlot = table.pointer.pointee.finish
    writeSite = instance.site("write")
    array = .allocate(capacity: 1)
    array.initialize(to: ArrowArray())
  }

  deinit { array.deallocate() }

  func open() throws(Failure) { try instance.open() }

  func write(_ batch: RecordBatch) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    instance.context.give(batch.compacted(), in: array)
    instance.error.reset()
    let (slot, pointer, array, error) = (writeSlot, instance.selfPointer, array, instance.error.pointer)
    let status = writeSite.run { slot(pointer, array, error) }
    ArrayLedger.takeBack(array)
    try instance.finish(status, "write")
  }

  func flush() throws(Failure) { try instance.run("flush", flushSlot) }

  func close(complete: Bool) throws(Failure) {
    var first: Failure?
    if complete && instance.isOpen {
      do throws(Failure) { try instance.run("finish", finishSlot) } catch { first = error }
    }
    do throws(Failure) { try instance.close() } catch { first = first ?? error }
    if let first { throw first }
  }
}
