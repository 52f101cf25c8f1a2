import CVolley
import Synchronization
import VolleyPlan

/// How loud a line of the log is.
public enum LogLevel: UInt32, Sendable {
  case debug = 0
  case info = 1
  case warning = 2
  case error = 3
}

/// Where an instance of user code stands, and what the host offers it.
///
/// `log`, `count` and `isStopping` may be used on any thread until the instance is closed.
public final class TaskContext: @unchecked Sendable {
  // Immutable but for the atomic; the host's tables are thread-safe.
  /// The operator's uid, or a name made from its place in the plan.
  public let uid: String
  /// Index of this subtask, from 0.
  public let subtask: Int
  /// How many subtasks there are.
  public let parallelism: Int
  /// The columns of each input.
  public let inputs: [Schema]
  /// The columns of each output.
  public let outputs: [Schema]

  let host: UnsafePointer<volley_host>?
  let options: JSONValue
  private let logTable: UnsafePointer<volley_log>?
  private let metricsTable: UnsafePointer<volley_metrics>?
  private let parametersTable: UnsafePointer<volley_parameters>?
  let emitTable: UnsafePointer<volley_emit>?
  private let clockTable: UnsafePointer<volley_clock>?
  private let randomTable: UnsafePointer<volley_random>?
  private let stopping = Atomic(false)

  init(host: UnsafePointer<volley_host>?, place: UnsafePointer<volley_context>) throws(VolleyError) {
    self.host = host
    let place = place.pointee
    uid = place.uid.map { String(cString: $0) } ?? ""
    subtask = Int(place.subtask)
    parallelism = Int(place.parallelism)
    inputs = try Self.schemas(place.inputs, place.input_count)
    outputs = try Self.schemas(place.outputs, place.output_count)
    if let options = place.options, place.options_length > 0 {
      do {
        self.options = try JSONValue.parse(UnsafeRawBufferPointer(start: options, count: Int(place.options_length)))
      } catch {
        throw VolleyError("the options of '\(uid)' are not JSON: \(error.message)", domain: .internal)
      }
    } else {
      options = .object([])
    }
    logTable = Self.interface(host, VOLLEY_INTERFACE_LOG)
    metricsTable = Self.interface(host, VOLLEY_INTERFACE_METRICS)
    parametersTable = Self.interface(host, VOLLEY_INTERFACE_PARAMETERS)
    emitTable = Self.interface(host, VOLLEY_INTERFACE_EMIT)
    clockTable = Self.interface(host, VOLLEY_INTERFACE_CLOCK)
    randomTable = Self.interface(host, VOLLEY_INTERFACE_RANDOM)
  }

  private static func schemas(
    _ pointers: UnsafePointer<UnsafePointer<ArrowSchema>?>?, _ count: UInt32
  ) throws(VolleyError) -> [Schema] {
    var schemas: [Schema] = []
    for index in 0..<Int(count) {
      guard let schema = pointers?[index] else { throw VolleyError("a schema is missing", domain: .internal) }
      schemas.append(try Schema(schema))
    }
    return schemas
  }

  /// Nil when the host lacks the interface.
  func interface<Table>(_ id: String) -> UnsafePointer<Table>? { Self.interface(host, id) }

  /// Nil when the host lacks the interface.
  private static func interface<Table>(_ host: UnsafePointer<volley_host>?, _ id: String) -> UnsafePointer<Table>? {
    guard let host, volley_host_has_interface(host) != 0 else { return nil }
    return host.pointee.interface(host, id)?.assumingMemoryBound(to: Table.self)
  }

  /// Writes a line to the host's log, marked with plugin and uid; without the host's log, nothing.
  public func log(_ level: LogLevel, _ message: String) {
    guard let logTable, volley_log_has_log(logTable) != 0 else { return }
    var message = message
    message.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        logTable.pointee.log(host, level.rawValue, $0.baseAddress, UInt64($0.count))
      }
    }
  }

  /// Adds to a counter of the author's own, which the host reports with the operator. At most 64 names an instance.
  ///
  /// - Throws: the host's refusal; a `delta` below zero, because counters only grow.
  public func count(_ name: String, by delta: Int = 1) throws {
    guard delta >= 0 else {
      throw VolleyError(
        "counter '\(name)' was to change by \(delta): counters only grow, so count what goes down apart")
    }
    guard let metricsTable, volley_metrics_has_add(metricsTable) != 0 else { return }
    try callHost { error in metricsTable.pointee.add(host, name, UInt64(delta), error) }
  }

  /// The value of the pipeline's parameter of that name, nil when there is none.
  public func parameter<Value: ParameterValue>(_ name: String, as _: Value.Type = Value.self) -> Value? {
    guard let parametersTable, volley_parameters_has_value(parametersTable) != 0,
      let text = parametersTable.pointee.value(host, name)
    else { return nil }
    return (try? JSONValue.parse(String(cString: text))).flatMap { Value(json: $0) }
  }

  /// The time on the job's clock: the machine's, or in a run with `--test-clock` and in a replay that which the data moves,
  /// so that it can be repeated. In an asynchronous function it is the time at which the row was handed over. On any thread.
  public var now: Timestamp {
    if let call = AsyncCall.running(in: self) { return call.time }
    guard let clockTable, volley_clock_has_now(clockTable) != 0 else {
      preconditionFailure("this host lacks the interface clock/1: use a newer host")
    }
    return Timestamp(microseconds: clockTable.pointee.now(host))
  }

  /// Random numbers that come again when a run goes on from a checkpoint, or is replayed: they follow from the operator's
  /// uid, the subtask and the epoch. Use it as `Int.random(in: 1...6, using: &context.random)`, inside calls of the function
  /// only. Not for secrets.
  public var random: HostRandom {
    get { HostRandom(self, AsyncCall.running(in: self)) }
    set {}
  }

  func nextRandom() -> UInt64 {
    guard let randomTable, volley_random_has_next(randomTable) != 0 else {
      preconditionFailure("this host lacks the interface random/1: use a newer host")
    }
    return randomTable.pointee.next(host)
  }

  /// Whether the job stops: a source should return from `read` soon.
  public var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func stop() { stopping.store(true, ordering: .relaxed) }

  /// The context of the user code that runs on this thread, or in this task of an asynchronous function; nil outside of a
  /// call from the host.
  public static var current: TaskContext? {
    if let context = volley_get_current() { return Unmanaged<TaskContext>.fromOpaque(context).takeUnretainedValue() }
    return AsyncCall.running?.context
  }
}

/// Writes a line to the host's log, from any user code that the host called on this thread.
public func log(_ level: LogLevel, _ message: @autoclosure () -> String) {
  TaskContext.current?.log(level, message())
}

/// Calls the host with room for its error, and throws that.
func callHost(_ call: (UnsafeMutablePointer<volley_error>) -> Int32) throws(VolleyError) {
  var error = volley_error()
  error.header = .init(size: UInt32(MemoryLayout<volley_error>.size), major: abiMajor, minor: abiMinor)
  let capacity = 4096
  let message = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
  defer { message.deallocate() }
  error.message = message
  error.message_capacity = UInt32(capacity)
  let status = call(&error)
  if status != VOLLEY_OK { throw VolleyError(refusedWith: error, message) }
}

extension VolleyError {
  /// What the host says of a call that it refused.
  init(refusedWith error: volley_error, _ message: UnsafePointer<CChar>) {
    let bytes = UnsafeRawBufferPointer(start: message, count: Int(min(error.message_capacity, error.message_length)))
    let text = String(decoding: bytes, as: UTF8.self)
    let domain: Domain =
      switch error.domain {
      case VOLLEY_DOMAIN_USER: .user
      case VOLLEY_DOMAIN_EXTERNAL: .external
      default: .internal
      }
    self.init(
      text.isEmpty ? "the host refused without a reason" : text, domain: domain,
      retry: error.retry == VOLLEY_RETRY_LATER, code: error.code)
  }
}

var abiMajor: UInt16 { UInt16(VOLLEY_ABI_MAJOR) }
var abiMinor: UInt16 { UInt16(VOLLEY_ABI_MINOR) }
