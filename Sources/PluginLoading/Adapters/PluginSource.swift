import Arrow
import Base
import CVolley
import Dataflow
import Synchronization
import VolleyPlan

/// A plugin's source. It may block, so it is read by a thread of its own.
class PluginSource: Source {
  /// Where the instance is in its life, for `stop`, which comes from any thread at any time.
  private enum Phase {
    /// Not open yet; `stop` is passed on as soon as it is.
    case fresh(stopRequested: Bool)
    case open
    /// Stopped or closed: `stop` is not passed on.
    case past
  }

  fileprivate let instance: PluginInstance
  private let schema: Schema
  private let readSlot:
    @convention(c) (
      UnsafeMutableRawPointer?, UInt64, UInt64, UnsafeMutablePointer<ArrowArray>?, UnsafeMutablePointer<UInt32>?,
      UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let stopSlot: PluginInstance.Destroy
  private let readSite: CallSite
  private let stopSite: CallSite
  private let array: UnsafeMutablePointer<ArrowArray>
  private let phase = Mutex(Phase.fresh(stopRequested: false))
  /// What `stop` needs of the instance, which another thread may be using.
  private let stopTarget: StopTarget

  private struct StopTarget: @unchecked Sendable {  // The plugin's pointer; the slot `stop` is declared [any].
    let pointer: UnsafeMutableRawPointer?
  }

  let blocks = true

  /// A source that has positions when the plugin's has.
  static func make(_ instance: PluginInstance, schema: Schema) throws(Failure) -> PluginSource {
    let table = try instance.table(
      volley_source.self, .source, open: (\.open, volley_source_has_open),
      close: (\.close, volley_source_has_close), destroy: (\.destroy, volley_source_has_destroy))
    guard volley_source_has_positions(table.pointer) != 0 else {
      return try PluginSource(instance, table, schema: schema)
    }
    return try ReplayablePluginSource(instance, table, schema: schema)
  }

  fileprivate init(
    _ instance: PluginInstance, _ table: PluginTable<volley_source>, schema: Schema
  ) throws(Failure) {
    self.instance = instance
    self.schema = schema
    try table.require(\.read, "read", volley_source_has_read)
    try table.require(\.stop, "stop", volley_source_has_stop)
    readSlot = table.pointer.pointee.read
    stopSlot = table.pointer.pointee.stop
    readSite = instance.site("read")
    stopSite = instance.site("stop")
    stopTarget = StopTarget(pointer: instance.selfPointer)
    array = .allocate(capacity: 1)
    array.initialize(to: ArrowArray())
  }

  deinit { array.deallocate() }

  func open() throws(Failure) {
    try instance.open()
    phase.withLock { phase in
      if case .fresh(stopRequested: true) = phase {
        passOnStop()
        phase = .past
      } else {
        phase = .open
      }
    }
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    array.pointee = ArrowArray()
    instance.error.reset()
    var outcome: UInt32 = 0
    let (slot, pointer, array, error) = (readSlot, instance.selfPointer, array, instance.error.pointer)
    let (rows, nanoseconds) = (UInt64(max(maxRows, 1)), timeout.wholeNanoseconds)
    let status = readSite.run { slot(pointer, rows, nanoseconds, array, &outcome, error) }
    do throws(Failure) {
      try instance.finish(status, "read")
      return try judge(outcome, maxRows: Int(rows))
    } catch {
      instance.context.arrays.drop(array)
      throw error
    }
  }

  private func judge(_ outcome: UInt32, maxRows: Int) throws(Failure) -> ReadOutcome {
    let label = instance.context.label
    let hasBatch = array.pointee.release != nil
    switch outcome {
    case VOLLEY_READ_BATCH:
      guard hasBatch else {
        throw Failure(
          .plugin, "\(label) gave a batch from 'read' that was released or moved before; give each batch once")
      }
      guard array.pointee.length <= maxRows else {
        throw Failure(
          .plugin,
          "\(label) gave \(array.pointee.length) rows from 'read', at most \(maxRows) were asked for; give fewer")
      }
      let batch = try instance.context.arrays.take(array, schema: schema) {
        "\(label) gave a batch from 'read'"
      }
      return batch.length == 0 ? .idle : .batch(batch)
    case VOLLEY_READ_IDLE, VOLLEY_READ_END:
      guard !hasBatch else {
        throw Failure(
          .plugin,
          "\(label) gave a batch from 'read' with the outcome \(outcome), expected \(VOLLEY_READ_BATCH); give it before"
        )
      }
      return outcome == VOLLEY_READ_IDLE ? .idle : .end
    default:
      throw Failure(
        .software,
        "\(label) gave the unknown outcome \(outcome) from 'read', expected \(VOLLEY_READ_BATCH), \(VOLLEY_READ_IDLE) or \(VOLLEY_READ_END); correct the plugin"
      )
    }
  }

  func stop() {
    // Held while the plugin runs, so that `close` cannot begin beside it.
    phase.withLock { phase in
      switch phase {
      case .fresh: phase = .fresh(stopRequested: true)
      case .open:
        passOnStop()
        phase = .past
      case .past: break
      }
    }
  }

  private func passOnStop() {
    let (slot, target) = (stopSlot, stopTarget)
    stopSite.run { slot(target.pointer) }
  }

  func close() throws(Failure) {
    phase.withLock { $0 = .past }
    try instance.close()
  }
}

/// A plugin's source that goes on where a checkpoint left it.
private final class ReplayablePluginSource: PluginSource, ReplayableSource {
  private let positionsSlot: PluginInstance.Answer
  private let resumeSlot: PluginInstance.Order

  override init(
    _ instance: PluginInstance, _ table: PluginTable<volley_source>, schema: Schema
  ) throws(Failure) {
    try table.require(\.positions, "positions", volley_source_has_positions)
    try table.require(\.resume, "resume", volley_source_has_resume)
    positionsSlot = table.pointer.pointee.positions
    resumeSlot = table.pointer.pointee.resume
    try super.init(instance, table, schema: schema)
  }

  func positions() throws(Failure) -> [SplitPosition] {
    let slot = positionsSlot
    let elements = try instance.answer("positions") { slot($0, $1, $2, $3) }
    var positions: [SplitPosition] = []
    var names: Set<String> = []
    for element in elements {
      guard case .string(let split)? = element["split"], let position = element["position"] else {
        throw Failure(
          .plugin,
          "\(instance.context.label) gave \(element.text.prefix(200)) among what 'positions' gives, expected an object of 'split', a "
            + "text, and 'position'; correct the plugin")
      }
      guard names.insert(split).inserted else {
        throw Failure(
          .plugin, "\(instance.context.label) gave the split '\(split)' twice from 'positions'; give each split once")
      }
      positions.append(SplitPosition(split: split, position: position.text))
    }
    return positions
  }

  func resume(at positions: [SplitPosition]) throws(Failure) {
    var elements: [JSONValue] = []
    for position in positions {
      guard let value = try? JSONValue.parse(position.position) else {
        throw Failure(
          .data,
          "\(instance.context.label): the checkpoint's position of the split '\(position.split)' is no JSON; begin the source anew "
            + "(--reset-source)")
      }
      elements.append(.object([.init("split", .string(position.split)), .init("position", value)]))
    }
    let slot = resumeSlot
    try instance.order("resume", .array(elements)) { slot($0, $1, $2, $3) }
  }
}

extension Duration {
  /// At least 0, at most what fits.
  var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflow2) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return overflow || overflow2 ? .max : sum
  }
}
