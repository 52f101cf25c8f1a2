import Arrow
import Base
import CVolley
import Dataflow
import Operators

/// A plugin's watermark assigner.
final class PluginWatermarkAssigner: WatermarkCode {
  private let instance: PluginInstance
  private let table: volley_watermark_assigner
  private let assignSite: CallSite
  private let advanceSite: CallSite
  private let endSite: CallSite
  private let array: UnsafeMutablePointer<ArrowArray>
  private let call: UnsafeMutablePointer<volley_watermark_call>

  init(_ instance: PluginInstance) throws(Failure) {
    self.instance = instance
    let table = try instance.table(
      volley_watermark_assigner.self, .watermarkAssigner, open: (\.open, volley_watermark_assigner_has_open),
      close: (\.close, volley_watermark_assigner_has_close),
      destroy: (\.destroy, volley_watermark_assigner_has_destroy))
    try table.require(\.assign, "assign", volley_watermark_assigner_has_assign)
    try table.require(\.advance, "advance", volley_watermark_assigner_has_advance)
    try table.require(\.end_split, "end_split", volley_watermark_assigner_has_end_split)
    self.table = table.pointer.pointee
    assignSite = instance.site("assign")
    advanceSite = instance.site("advance")
    endSite = instance.site("end_split")
    array = .allocate(capacity: 1)
    array.initialize(to: ArrowArray())
    call = .allocate(capacity: 1)
    call.initialize(to: volley_watermark_call())
  }

  deinit {
    array.deallocate()
    call.deallocate()
  }

  func open() throws(Failure) { try instance.open() }
  func close() throws(Failure) { try instance.close() }

  func assign(
    _ rows: RecordBatch, split: SplitID, at now: ProcessingTime, to times: UnsafeMutablePointer<Int64>
  ) throws(Failure) -> Int64 {
    instance.context.give(rows, in: array)
    // What the plugin leaves out has no time.
    times.update(repeating: .min, count: rows.length)
    call.pointee = volley_watermark_call(
      header: .of(volley_watermark_call.self), rows: array, row_count: UInt64(rows.length), split: UInt64(split.number),
      processing_time: now.microseconds, times: times, watermark: .min)
    instance.error.reset()
    let (pointer, call, error) = (instance.selfPointer, call, instance.error.pointer)
    let status = assignSite.run { table.assign(pointer, call, error) }
    ArrayLedger.takeBack(array)
    try instance.finish(status, "assign")
    return call.pointee.watermark
  }

  func advance(split: SplitID, at now: ProcessingTime) throws(Failure) -> Int64 {
    var watermark = Int64.min
    instance.error.reset()
    let (pointer, error) = (instance.selfPointer, instance.error.pointer)
    let status = withUnsafeMutablePointer(to: &watermark) { watermark in
      advanceSite.run { table.advance(pointer, UInt64(split.number), now.microseconds, watermark, error) }
    }
    try instance.finish(status, "advance")
    return watermark
  }

  func endSplit(_ split: SplitID) {
    guard instance.isOpen else { return }
    let pointer = instance.selfPointer
    endSite.run { table.end_split(pointer, UInt64(split.number)) }
  }
}
