import Arrow
import Base
import CVolley
import Dataflow
import Operators

/// A plugin's window function.
final class PluginWindowFunction: WindowFunctionCode {
  private let instance: PluginInstance
  private let processSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<volley_window_call>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let flushSlot: PluginInstance.Lifecycle
  private let processSite: CallSite
  private let flushSite: CallSite
  /// Rows, then keys.
  private let arrays: UnsafeMutablePointer<ArrowArray>
  private let call: UnsafeMutablePointer<volley_window_call>

  init(_ instance: PluginInstance) throws(Failure) {
    self.instance = instance
    let table = try instance.table(
      volley_window_function.self, .windowFunction, open: (\.open, volley_window_function_has_open),
      close: (\.close, volley_window_function_has_close), destroy: (\.destroy, volley_window_function_has_destroy))
    try table.require(\.process, "process", volley_window_function_has_process)
    try table.require(\.flush, "flush", volley_window_function_has_flush)
    processSlot = table.pointer.pointee.process
    flushSlot = table.pointer.pointee.flush
    processSite = instance.site("process")
    flushSite = instance.site("flush")
    arrays = .allocate(capacity: 2)
    arrays.initialize(repeating: ArrowArray(), count: 2)
    call = .allocate(capacity: 1)
    call.initialize(to: volley_window_call())
  }

  deinit {
    arrays.deallocate()
    call.deallocate()
  }

  func open() throws(Failure) { try instance.open() }
  func close() throws(Failure) { try instance.close() }

  func process(_ windows: ClosedWindows, to output: any Collector) throws(Failure) {
    let (rows, keys) = (arrays, arrays + 1)
    instance.context.give(windows.rows, in: rows)
    instance.context.give(windows.keys, in: keys)
    call.pointee = volley_window_call(
      header: .of(volley_window_call.self), keys: keys, window_count: UInt64(windows.keys.length),
      starts: windows.starts, ends: windows.ends, rows: rows, row_count: UInt64(windows.rows.length),
      row_ends: windows.rowEnds, watermark: windows.watermark.microseconds)
    let (slot, pointer, call, error) = (processSlot, instance.selfPointer, call, instance.error.pointer)
    let site = processSite
    try emitting("process", to: output) { site.run { slot(pointer, call, error) } }
  }

  func flush(to output: any Collector) throws(Failure) {
    let (slot, pointer, error, site) = (flushSlot, instance.selfPointer, instance.error.pointer, flushSite)
    try emitting("flush", to: output) { site.run { slot(pointer, error) } }
  }

  private func emitting(_ slot: StaticString, to output: any Collector, _ body: () -> Int32) throws(Failure) {
    instance.error.reset()
    instance.context.beginEmitting(to: output)
    let status = body()
    instance.context.endEmitting()
    for index in 0..<2 { ArrayLedger.takeBack(arrays + index) }
    try instance.finish(status, slot)
  }
}
