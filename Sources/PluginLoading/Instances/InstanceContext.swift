import Arrow
import Base
import CVolley
import Dataflow
import Glibc
import Observability
import Operators
import Synchronization

/// The host as one instance sees it: what stands behind its `volley_host`.
///
/// The plugin may ask and log from any thread; emitting is legal on the thread that is in `process` or `flush`, and only
/// that thread touches `collector`, which `emittingThread` proves first.
final class InstanceContext: @unchecked Sendable {  // By the rule above; counters and the fault are behind locks.
  let plugin: String
  let function: String
  let uid: String
  let subtask: Int
  /// "plugin 'taxes': function 'tax'".
  let label: String
  let outputs: [Schema]
  let parameters: ParameterTexts
  private let listener: PluginListener
  let arrays: ArrayLedger

  /// The `volley_host` that the plugin is given, valid as long as this object.
  let host: UnsafeMutablePointer<volley_host>

  /// What a keyed process function asks for; nil of others. Touched like `collector`.
  var keyed: KeyedAccess?

  /// What the instance takes for random. Touched by the thread of a call.
  let random: InstanceRandom
  private let clock: SubtaskClock

  /// Where the answers of an asynchronous function go; nil before its first rows, and of others.
  let asyncResults = Mutex<AsyncResults?>(nil)

  private let emittingThread = Atomic<UInt>(0)
  private var collector: (any Collector)?
  /// The first rule that the plugin broke in a call of its own, or a failure behind `emit`.
  private let fault = Mutex<Failure?>(nil)
  private let isFaulty = Atomic<Bool>(false)
  private let counters = Mutex(Counters())
  /// Whether there is something in `Counters.inCall`.
  private let hasCounted = Atomic<Bool>(false)
  private let metrics: StageMetrics

  private struct Counters {
    var kept: [String: UInt64] = [:]
    /// By the call in progress, which may fail.
    var inCall: [String: UInt64] = [:]

    func hasRoom(for name: String) -> Bool {
      kept[name] != nil || inCall[name] != nil || Set(kept.keys).union(inCall.keys).count < InstanceContext.counterLimit
    }
  }

  static let counterLimit = 64
  static let counterNameLimit = 128
  static let logLimit = 1 << 16

  init(_ request: InstanceRequest, scope: PluginScope, parameters: ParameterTexts) {
    plugin = scope.name
    function = request.function
    uid = request.place.uid
    subtask = request.place.subtask.id.index
    label = "\(scope.label): \(request.what)"
    outputs = request.outputs
    random = InstanceRandom(request.place)
    clock = request.place.subtask.clock
    metrics = request.place.subtask.metrics
    self.parameters = parameters
    listener = request.host.listener
    arrays = ArrayLedger(
      owner: label, releaseSite: CallSite(plugin: scope.name, function: request.function, slot: "release"))
    host = .allocate(capacity: 1)
    host.initialize(to: volley_host())
    host.pointee.header = .of(volley_host.self)
    host.pointee.interface = HostInterfaces.find
    host.pointee.context = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit { host.deallocate() }

  /// The context behind a plugin's `host` argument.
  static func of(_ host: UnsafePointer<volley_host>?) -> InstanceContext? {
    guard let context = host?.pointee.context else { return nil }
    return Unmanaged<InstanceContext>.fromOpaque(context).takeUnretainedValue()
  }

  // MARK: Arrays

  /// Writes a batch for the plugin to move away.
  func give(_ batch: RecordBatch, in target: UnsafeMutablePointer<ArrowArray>) {
    guard let held = arrays.give(batch, in: target) else { return }
    log(.warning, "\(label) holds \(held) batches that it took; release each once it is not needed")
  }

  /// After the job, when its batches are gone: warns of what the plugin kept.
  func warnOfKeptArrays() {
    let kept = arrays.held
    guard kept > 0 else { return }
    let (noun, pronoun) = kept == 1 ? ("batch", "it") : ("batches", "each")
    log(.warning, "\(label) kept \(kept) \(noun) that it took; release \(pronoun) before 'destroy' returns")
  }

  // MARK: Emitting

  /// From here to `endEmitting` the calling thread may emit.
  func beginEmitting(to collector: any Collector) {
    self.collector = collector
    emittingThread.store(UInt(pthread_self()), ordering: .relaxed)
  }

  func endEmitting() {
    emittingThread.store(0, ordering: .relaxed)
    collector = nil
  }

  private var emittingCalls: String { keyed == nil ? "'process' and 'flush'" : "'process', 'timers' and 'flush'" }

  /// What the plugin may read and write of its keys, on the thread of its call.
  @inline(__always)  // Called for each entry of a map that is read.
  func keyedAccess() throws(Failure) -> KeyedAccess {
    guard emittingThread.load(ordering: .relaxed) == UInt(pthread_self()), let keyed else { throw notKeyed }
    return keyed
  }

  private var notKeyed: Failure {
    Failure(
      .plugin,
      "state or a timer was asked for outside 'process' and 'timers' of a keyed process function; ask only inside them")
  }

  /// Takes a batch from the plugin.
  func emit(_ batch: UnsafeMutablePointer<ArrowArray>?, output: UInt32) throws(Failure) {
    do throws(Failure) {
      guard emittingThread.load(ordering: .relaxed) == UInt(pthread_self()), let collector else {
        throw Failure(.plugin, "\(label) called 'emit' outside \(emittingCalls); emit only inside them")
      }
      guard Int(output) < outputs.count else {
        throw Failure(
          .plugin,
          "\(label) emitted on output \(output), its outputs are 0 to \(outputs.count - 1); declare it in the plan")
      }
      guard let batch, batch.pointee.release != nil else {
        throw Failure(
          .plugin,
          "\(label) emitted a batch on output \(output) that was released or moved before; emit each batch once")
      }
      let imported = try arrays.take(batch, schema: outputs[Int(output)]) {
        "\(label) emitted a batch on output \(output)"
      }
      // The host's own code runs now: a crash in it is not the plugin's.
      if imported.length > 0 {
        try CallSite.outsidePlugins { () throws(Failure) in try collector.emit(imported, output: Int(output)) }
      }
    } catch {
      if let batch { arrays.drop(batch) }
      remember(error)
      throw error
    }
  }

  /// The time on the job's clock. From any thread.
  var now: ProcessingTime { clock.current }

  // MARK: Faults

  func remember(_ failure: Failure) {
    fault.withLock { fault in if fault == nil { fault = failure } }
    isFaulty.store(true, ordering: .releasing)
  }

  /// Throws what went wrong inside a call, whatever the plugin made of it.
  func check() throws(Failure) {
    guard isFaulty.load(ordering: .acquiring) else { return }
    let failure = fault.withLock { fault in
      defer { fault = nil }
      return fault
    }
    isFaulty.store(false, ordering: .relaxed)
    if let failure { throw failure }
  }

  // MARK: Events and counters

  func log(_ level: PluginEvent.Level, _ text: String) {
    CallSite.outsidePlugins {
      listener(
        PluginEvent(level: level, plugin: plugin, function: function, uid: uid, subtask: subtask, text: text))
    }
  }

  func addToCounter(_ name: UnsafePointer<CChar>?, _ delta: UInt64) throws(Failure) {
    let text: String
    do {
      guard let name else { throw PluginText.Fault.notUTF8 }
      text = try PluginText.read(name, limit: Self.counterNameLimit)
    } catch let fault as PluginText.Fault {
      throw Failure(.plugin, "\(label): the name of a counter is \(fault.sentence)")
    } catch {
      throw Failure(.software, "\(label): reading the name of a counter failed: \(error)")
    }
    // On a thread of the plugin's own, what is counted belongs to no call.
    let isInCall = CallSite.isInCall
    let isKept = counters.withLock { counters in
      guard counters.hasRoom(for: text) else { return false }
      if isInCall {
        counters.inCall[text, default: 0] &+= delta
      } else {
        counters.kept[text, default: 0] &+= delta
      }
      return true
    }
    if isInCall {
      hasCounted.store(true, ordering: .relaxed)
    } else if isKept {
      tell(text, delta)
    }
    guard isKept else {
      throw Failure(
        .plugin,
        "\(label): the counter '\(text)' is one too many, an instance has at most \(Self.counterLimit); use fewer")
    }
  }

  /// A call has ended: what it counted stays only when it has succeeded. On the call's thread.
  func endCall(succeeded: Bool) {
    random.endCall(succeeded: succeeded)
    guard hasCounted.load(ordering: .relaxed) else { return }
    hasCounted.store(false, ordering: .relaxed)
    let counted = counters.withLock { counters in
      let counted = counters.inCall
      counters.inCall = [:]
      guard succeeded else { return [String: UInt64]() }
      counters.kept.merge(counted) { $0 &+ $1 }
      return counted
    }
    for (name, delta) in counted { tell(name, delta) }
  }

  private func tell(_ name: String, _ delta: UInt64) { metrics.counter(name)?.add(Int(truncatingIfNeeded: delta)) }

  func report() -> InstanceReport {
    InstanceReport(
      plugin: plugin, function: function, uid: uid, subtask: subtask, counters: counters.withLock { $0.kept },
      batchesHeld: arrays.held)
  }
}
