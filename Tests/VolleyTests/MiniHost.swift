import Arrow
import CVolley
import VolleyPlan

/// The least of a host: calls a plugin's tables on the test's thread, and keeps what is emitted, logged and counted.
final class MiniHost {
  struct Refused: Error, Equatable, CustomStringConvertible {
    var message: String
    var domain: UInt32 = VOLLEY_DOMAIN_USER
    var retry: UInt32 = VOLLEY_RETRY_NEVER
    var code: Int32 = 0
    var description: String { message }
  }

  /// A column by value. Text is kept as bytes of UTF-8 in `String`.
  enum Cells: Equatable {
    case bool([Bool?])
    case int32([Int32?])
    case int64([Int64?])
    case double([Double?])
    case text([String?])
    case timestamp([Int64?])
    /// The bytes of each value: of a fixed width, or those of a binary column.
    case raw(DataType, [[UInt8]?])

    /// Values of a type of fixed width, as they lie in memory.
    static func values<T: BitwiseCopyable>(_ type: DataType, _ values: [T?]) -> Cells {
      .raw(type, values.map { $0.map { value in withUnsafeBytes(of: value) { Array($0) } } })
    }
  }

  final class State {
    var interfaces = true
    var emitted: [(output: Int, columns: [Cells])] = []
    var outputs: [[Field]] = []
    var log: [String] = []
    var counters: [String: UInt64] = [:]
    var parameters: [String: String] = [:]
    /// When set, `emit` refuses with it.
    var refusal: String?
    /// Looks at what is emitted, which is then released and not kept.
    var look: ((UnsafeMutablePointer<ArrowArray>) -> Void)?
    /// Whether what is emitted is only released.
    var drop = false
    var parameterTexts: [UnsafeMutablePointer<CChar>] = []
  }

  let state = State()
  let host: UnsafeMutablePointer<volley_host>

  init(interfaces: Bool = true) {
    host = .allocate(capacity: 1)
    host.initialize(
      to: volley_host(
        header: .init(size: UInt32(MemoryLayout<volley_host>.size), major: 0, minor: 1),
        context: Unmanaged.passUnretained(state).toOpaque(),
        interface: { host, id in MiniHost.state(host).interfaces ? MiniHost.table(String(cString: id!)) : nil }))
    state.interfaces = interfaces
  }

  deinit {
    for text in state.parameterTexts { text.deallocate() }
    host.deallocate()
  }

  private static func state(_ host: UnsafePointer<volley_host>?) -> State {
    Unmanaged<State>.fromOpaque(host!.pointee.context!).takeUnretainedValue()
  }

  private static func header<T>(_: T.Type) -> volley_header {
    .init(size: UInt32(MemoryLayout<T>.size), major: 0, minor: 1)
  }

  // Written once, before anybody reads.
  nonisolated(unsafe) private static let emitTable = permanent(
    volley_emit(header: header(volley_emit.self)) { host, output, batch, error in
      let state = MiniHost.state(host)
      defer { batch!.pointee.release(batch) }
      if let refusal = state.refusal {
        MiniHost.write(refusal, to: error!)
        return VOLLEY_FAILED
      }
      if state.drop { return VOLLEY_OK }
      if let look = state.look {
        look(batch!)
        return VOLLEY_OK
      }
      state.emitted.append((Int(output), MiniHost.cells(batch!, state.outputs[Int(output)])))
      return VOLLEY_OK
    })
  nonisolated(unsafe) private static let logTable = permanent(
    volley_log(header: header(volley_log.self)) { host, level, text, length in
      let bytes = UnsafeRawBufferPointer(start: text, count: Int(length))
      MiniHost.state(host).log.append("\(level) " + String(decoding: bytes, as: UTF8.self))
    })
  nonisolated(unsafe) private static let metricsTable = permanent(
    volley_metrics(header: header(volley_metrics.self)) { host, name, delta, _ in
      MiniHost.state(host).counters[String(cString: name!), default: 0] += delta
      return VOLLEY_OK
    })
  nonisolated(unsafe) private static let parametersTable = permanent(
    volley_parameters(header: header(volley_parameters.self)) { host, name in
      let state = MiniHost.state(host)
      guard let text = state.parameters[String(cString: name!)] else { return nil }
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.utf8.count + 1)
      for (index, byte) in text.utf8CString.enumerated() { (copy + index).initialize(to: byte) }
      state.parameterTexts.append(copy)
      return UnsafePointer(copy)
    })

  private static func permanent<T>(_ value: T) -> UnsafeRawPointer {
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: 1)
    pointer.initialize(to: value)
    return UnsafeRawPointer(pointer)
  }

  private static func table(_ id: String) -> UnsafeRawPointer? {
    switch id {
    case "emit/1": emitTable
    case "log/1": logTable
    case "metrics/1": metricsTable
    case "parameters/1": parametersTable
    default: nil
    }
  }

  private static func write(_ message: String, to error: UnsafeMutablePointer<volley_error>) {
    let bytes = Array(message.utf8).prefix(Int(error.pointee.message_capacity))
    for (index, byte) in bytes.enumerated() { error.pointee.message![index] = CChar(bitPattern: byte) }
    error.pointee.message_length = UInt32(bytes.count)
    error.pointee.domain = VOLLEY_DOMAIN_EXTERNAL
    error.pointee.retry = VOLLEY_RETRY_LATER
    error.pointee.code = 7
  }

  // MARK: Calls

  /// Runs a call of the plugin's with room for an error.
  static func check(_ call: (UnsafeMutablePointer<volley_error>) -> Int32) throws(Refused) {
    var message = [CChar](repeating: 0, count: 1024)
    var refused: Refused?
    message.withUnsafeMutableBufferPointer { buffer in
      var error = volley_error()
      error.header = header(volley_error.self)
      error.message = buffer.baseAddress
      error.message_capacity = UInt32(buffer.count)
      if call(&error) != VOLLEY_OK {
        let text = UnsafeRawBufferPointer(start: buffer.baseAddress, count: Int(error.message_length))
        refused = Refused(
          message: String(decoding: text, as: UTF8.self), domain: error.domain, retry: error.retry, code: error.code)
      }
    }
    if let refused { throw refused }
  }

  /// An instance of user code, destroyed with the value.
  final class Instance {
    let pointer: UnsafeMutableRawPointer
    let table: UnsafeRawPointer
    let kind: UInt32

    init(pointer: UnsafeMutableRawPointer, table: UnsafeRawPointer, kind: UInt32) {
      self.pointer = pointer
      self.table = table
      self.kind = kind
    }

    deinit {
      // Every kind's table has these four slots first.
      table.assumingMemoryBound(to: volley_scalar_function.self).pointee.destroy(pointer)
    }

    private var common: volley_scalar_function { table.assumingMemoryBound(to: volley_scalar_function.self).pointee }
    func open() throws(Refused) { try check { common.open(pointer, $0) } }
    func close() throws(Refused) { try check { common.close(pointer, $0) } }
    var scalar: volley_scalar_function { common }
    var batch: volley_batch_function { table.assumingMemoryBound(to: volley_batch_function.self).pointee }
    var source: volley_source { table.assumingMemoryBound(to: volley_source.self).pointee }
    var coder: volley_coder { table.assumingMemoryBound(to: volley_coder.self).pointee }
    var sink: volley_sink { table.assumingMemoryBound(to: volley_sink.self).pointee }
  }

  /// Makes an instance at a place.
  func create(
    kind: UInt32, function: String, uid: String = "here", inputs: [[Field]] = [], outputs: [[Field]] = [],
    options: String = "{}", subtask: UInt32 = 0, parallelism: UInt32 = 1,
    _ create: (UnsafePointer<volley_context>, UnsafeMutablePointer<volley_instance>, UnsafeMutablePointer<volley_error>)
      -> Int32
  ) throws(Refused) -> Instance {
    state.outputs = outputs
    let inputSchemas = inputs.map { SchemaMemory($0) }
    let outputSchemas = outputs.map { SchemaMemory($0) }
    let inputPointers: [UnsafePointer<ArrowSchema>?] = inputSchemas.map { UnsafePointer($0.root) }
    let outputPointers: [UnsafePointer<ArrowSchema>?] = outputSchemas.map { UnsafePointer($0.root) }
    var instance = volley_instance()
    instance.header = Self.header(volley_instance.self)
    let result: Result<Void, Refused> = uid.withCString { uid in
      function.withCString { function in
        options.withCString { optionsText in
          inputPointers.withUnsafeBufferPointer { inputs in
            outputPointers.withUnsafeBufferPointer { outputs in
              var place = volley_context()
              place.header = Self.header(volley_context.self)
              place.uid = uid
              place.function = function
              place.subtask = subtask
              place.parallelism = parallelism
              place.input_count = UInt32(inputs.count)
              place.output_count = UInt32(outputs.count)
              place.inputs = inputs.baseAddress
              place.outputs = outputs.baseAddress
              place.options = optionsText
              place.options_length = UInt64(options.utf8.count)
              return Result { () throws(Refused) in try Self.check { create(&place, &instance, $0) } }
            }
          }
        }
      }
    }
    try result.get()
    withExtendedLifetime((inputSchemas, outputSchemas)) {}
    return Instance(pointer: instance.`self`, table: instance.table, kind: kind)
  }
}
