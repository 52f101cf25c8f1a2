import Arrow
import Base
import CVolley
import Dataflow
import Operators
import VolleyPlan

/// A plugin's keyed process function.
final class PluginKeyedProcess: KeyedProcessCode {
  private let instance: PluginInstance
  private let access: KeyedAccess
  private let processSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<volley_keyed_call>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let timersSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UInt32, UnsafePointer<volley_keyed_call>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let flushSlot: PluginInstance.Lifecycle
  private let processSite: CallSite
  private let timersSite: CallSite
  private let flushSite: CallSite
  /// Rows, then keys.
  private let arrays: UnsafeMutablePointer<ArrowArray>
  private let call: UnsafeMutablePointer<volley_keyed_call>

  init(_ instance: PluginInstance, states: [Plan.State]) throws(Failure) {
    self.instance = instance
    access = KeyedAccess(states)
    let table = try instance.table(
      volley_keyed_process.self, .keyedProcess, open: (\.open, volley_keyed_process_has_open),
      close: (\.close, volley_keyed_process_has_close), destroy: (\.destroy, volley_keyed_process_has_destroy))
    try table.require(\.process, "process", volley_keyed_process_has_process)
    try table.require(\.timers, "timers", volley_keyed_process_has_timers)
    try table.require(\.flush, "flush", volley_keyed_process_has_flush)
    processSlot = table.pointer.pointee.process
    timersSlot = table.pointer.pointee.timers
    flushSlot = table.pointer.pointee.flush
    processSite = instance.site("process")
    timersSite = instance.site("timers")
    flushSite = instance.site("flush")
    arrays = .allocate(capacity: 2)
    arrays.initialize(repeating: ArrowArray(), count: 2)
    call = .allocate(capacity: 1)
    call.initialize(to: volley_keyed_call())
    instance.context.keyed = access
  }

  deinit {
    arrays.deallocate()
    call.deallocate()
  }

  func open() throws(Failure) { try instance.open() }
  func close() throws(Failure) { try instance.close() }

  func process(_ rows: RecordBatch, _ call: KeyedCall, to output: any Collector) throws(Failure) {
    instance.context.give(rows, in: arrays)
    let (slot, pointer, struct_, error) = (processSlot, instance.selfPointer, self.call, instance.error.pointer)
    let site = processSite
    try run(call, rows: arrays, "process", to: output) { site.run { slot(pointer, struct_, error) } }
  }

  func timers(_ clock: TimerClock, _ call: KeyedCall, to output: any Collector) throws(Failure) {
    let (slot, pointer, struct_, error) = (timersSlot, instance.selfPointer, self.call, instance.error.pointer)
    let site = timersSite
    let number = clock == .event ? VOLLEY_CLOCK_EVENT : VOLLEY_CLOCK_PROCESSING
    try run(call, rows: nil, "timers", to: output) { site.run { slot(pointer, number, struct_, error) } }
  }

  private func run(
    _ call: KeyedCall, rows: UnsafeMutablePointer<ArrowArray>?, _ slot: StaticString, to output: any Collector,
    _ body: () -> Int32
  ) throws(Failure) {
    let keys = arrays + 1
    instance.context.give(call.keys, in: keys)
    self.call.pointee = volley_keyed_call(
      header: .of(volley_keyed_call.self), keys: keys, key_count: UInt64(call.keys.length), rows: rows,
      row_count: UInt64(call.rowCount), row_keys: call.rowKeys, times: call.times,
      watermark: call.watermark.microseconds, processing_time: call.processingTime.microseconds)
    instance.error.reset()
    access.states = call.states
    access.timers = call.timers
    instance.context.beginEmitting(to: output)
    let status = body()
    instance.context.endEmitting()
    access.states = nil
    access.timers = nil
    if let rows { ArrayLedger.takeBack(rows) }
    ArrayLedger.takeBack(keys)
    try instance.finish(status, slot)
  }

  func flush(to output: any Collector) throws(Failure) {
    let context = instance.context
    instance.error.reset()
    let (slot, pointer, error, site) = (flushSlot, instance.selfPointer, instance.error.pointer, flushSite)
    context.beginEmitting(to: output)
    let status = site.run { slot(pointer, error) }
    context.endEmitting()
    try instance.finish(status, "flush")
  }
}
