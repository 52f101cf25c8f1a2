import Arrow
import Base
import CVolley
import Dataflow
import VolleyPlan

/// A plugin's sink. It may block, so it has a thread of its own.
class PluginSink: Sink {
  fileprivate let instance: PluginInstance
  private let writeSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutablePointer<ArrowArray>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let flushSlot: PluginInstance.Lifecycle
  private let finishSlot: PluginInstance.Lifecycle
  private let writeSite: CallSite
  private let array: UnsafeMutablePointer<ArrowArray>

  let blocks = true

  /// A sink whose rows show by checkpoints when the plugin's can do that.
  static func make(_ instance: PluginInstance) throws(Failure) -> PluginSink {
    let table = try instance.table(
      volley_sink.self, .sink, open: (\.open, volley_sink_has_open), close: (\.close, volley_sink_has_close),
      destroy: (\.destroy, volley_sink_has_destroy))
    guard volley_sink_has_prepare(table.pointer) != 0 else { return try PluginSink(instance, table) }
    return try TransactionalPluginSink(instance, table)
  }

  fileprivate init(_ instance: PluginInstance, _ table: PluginTable<volley_sink>) throws(Failure) {
    self.instance = instance
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

/// A plugin's sink that takes part in checkpoints.
private final class TransactionalPluginSink: PluginSink, TransactionalSink {
  private let prepareSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UInt64, UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafeMutablePointer<UInt64>?,
      UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let commitSlot: PluginInstance.Order
  private let recoverSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<CChar>?, UInt64, UnsafePointer<CChar>?, UInt64,
      UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private var kept: [SinkTransaction] = []

  override init(_ instance: PluginInstance, _ table: PluginTable<volley_sink>) throws(Failure) {
    try table.require(\.prepare, "prepare", volley_sink_has_prepare)
    try table.require(\.commit, "commit", volley_sink_has_commit)
    try table.require(\.recover, "recover", volley_sink_has_recover)
    prepareSlot = table.pointer.pointee.prepare
    commitSlot = table.pointer.pointee.commit
    recoverSlot = table.pointer.pointee.recover
    try super.init(instance, table)
  }

  /// `recover` says so to the plugin.
  func useEpochs() {}

  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] {
    let slot = prepareSlot
    return try instance.answer("prepare") { slot($0, epoch.number, $1, $2, $3) }.map { SinkTransaction($0.text) }
  }

  func commit(_ transactions: [SinkTransaction]) throws(Failure) {
    if transactions.isEmpty { return }
    let slot = commitSlot
    try instance.order("commit", try array(transactions)) { slot($0, $1, $2, $3) }
  }

  /// `recover` says so to the plugin, for which they are of the epoch that it goes on from.
  func keep(_ transactions: [SinkTransaction]) { kept = transactions }

  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    let slot = recoverSlot
    var allText = try array(all + kept).text
    let own = instance.context.subtask == 0 ? own + kept : own
    try instance.order("recover", try array(own)) { pointer, own, length, error in
      allText.withUTF8 { all in
        all.withMemoryRebound(to: CChar.self) { slot(pointer, own, length, $0.baseAddress, UInt64($0.count), error) }
      }
    }
  }

  private func array(_ transactions: [SinkTransaction]) throws(Failure) -> JSONValue {
    var elements: [JSONValue] = []
    for transaction in transactions {
      guard let value = try? JSONValue.parse(transaction.content) else {
        throw Failure(
          .data, "\(instance.context.label): a transaction of the checkpoint is no JSON; give another sink this uid")
      }
      elements.append(value)
    }
    return .array(elements)
  }
}
