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

extension MiniHost {
  /// The rows of a struct array, copied.
  static func cells(_ batch: UnsafeMutablePointer<ArrowArray>, _ fields: [Field]) -> [Cells] {
    fields.indices.map { cells(batch.pointee.children[$0]!.pointee, fields[$0].type) }
  }

  static func cells(_ array: ArrowArray, _ type: DataType) -> Cells {
    let count = Int(array.length)
    let offset = Int(array.offset)
    let bits = array.buffers[0]?.assumingMemoryBound(to: UInt8.self)
    func read<T>(_ value: (Int) -> T) -> [T?] {
      (0..<count).map { row in
        let index = offset + row
        if let bits, bits[index >> 3] >> UInt8(index & 7) & 1 == 0 { return nil }
        return value(index)
      }
    }
    let values = array.buffers[1]!
    switch type {
    case .bool:
      let bytes = values.assumingMemoryBound(to: UInt8.self)
      return .bool(read { bytes[$0 >> 3] >> UInt8($0 & 7) & 1 == 1 })
    case .int32: return .int32(read { values.assumingMemoryBound(to: Int32.self)[$0] })
    case .int64: return .int64(read { values.assumingMemoryBound(to: Int64.self)[$0] })
    case .float64: return .double(read { values.assumingMemoryBound(to: Double.self)[$0] })
    case .timestamp: return .timestamp(read { values.assumingMemoryBound(to: Int64.self)[$0] })
    case .utf8:
      let offsets = values.assumingMemoryBound(to: Int32.self)
      let bytes = array.buffers[2]
      return .text(
        read { index in
          let start = Int(offsets[index])
          let end = Int(offsets[index + 1])
          return String(
            decoding: UnsafeRawBufferPointer(start: bytes.map { $0 + start }, count: end - start), as: UTF8.self)
        })
    case .binary:
      let offsets = values.assumingMemoryBound(to: Int32.self)
      return .raw(
        type,
        read { index in
          let (start, end) = (Int(offsets[index]), Int(offsets[index + 1]))
          return Array(UnsafeRawBufferPointer(start: array.buffers[2].map { $0 + start }, count: end - start))
        })
    default:
      let width = width(type)
      return .raw(type, read { Array(UnsafeRawBufferPointer(start: values + $0 * width, count: width)) })
    }
  }

  /// Bytes of a value.
  static func width(_ type: DataType) -> Int {
    switch type {
    case .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .uint32, .float32, .date32: 4
    case .uint64, .duration: 8
    default: preconditionFailure("no \(type) is read or given here")
    }
  }
}

/// A struct schema in C memory, freed with the value. Its columns are written by the room of the host that does so.
final class SchemaMemory {
  let root: UnsafeMutablePointer<ArrowSchema>
  private var texts: [UnsafeMutablePointer<CChar>] = []
  private var children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>
  private let count: Int

  init(_ fields: [Field]) {
    root = .allocate(capacity: 1)
    root.initialize(to: ArrowSchema())
    count = fields.count
    children = .allocate(capacity: max(1, count))
    root.pointee.format = text("+s")
    root.pointee.n_children = Int64(count)
    root.pointee.children = children
    for (index, field) in fields.enumerated() {
      let child = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
      child.initialize(to: ArrowSchema())
      field.export(into: child)
      (children + index).initialize(to: child)
    }
  }

  deinit {
    for index in 0..<count {
      children[index]!.pointee.release(children[index]!)
      children[index]!.deallocate()
    }
    children.deallocate()
    root.deallocate()
    for text in texts { text.deallocate() }
  }

  private func text(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    memory.initialize(from: bytes, count: bytes.count)
    texts.append(memory)
    return UnsafePointer(memory)
  }
}

/// Memory of a batch that the test gives to a plugin.
final class ArrayMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  private func block(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(64, byteCount), alignment: 64)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: max(64, byteCount))
    blocks.append(block)
    return block
  }

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// A struct array of the columns.
  ///
  /// - Parameters:
  ///   - padding: rows before the first one, in the children's buffers: their offset.
  ///   - parentOffset: rows before the first one, skipped by the struct array's own offset.
  /// - Returns: whether the batch has not been released.
  @discardableResult
  static func make(
    _ columns: [MiniHost.Cells], padding: Int = 0, parentOffset: Int = 0, into root: UnsafeMutablePointer<ArrowArray>
  ) -> () -> Bool {
    let memory = ArrayMemory()
    let rows = columns.first?.count ?? 0
    root.pointee = ArrowArray()
    root.pointee.length = Int64(rows)
    root.pointee.offset = Int64(parentOffset)
    root.pointee.n_buffers = 1
    root.pointee.buffers = memory.block(8).assumingMemoryBound(to: UnsafeRawPointer?.self)
    root.pointee.n_children = Int64(columns.count)
    let children = memory.block(8 * columns.count).assumingMemoryBound(to: UnsafeMutablePointer<ArrowArray>?.self)
    root.pointee.children = children
    for (index, column) in columns.enumerated() {
      let child = memory.block(MemoryLayout<ArrowArray>.size).assumingMemoryBound(to: ArrowArray.self)
      child.pointee = memory.array(column, skip: padding + parentOffset, offset: padding)
      children[index] = child
    }
    root.pointee.private_data = Unmanaged.passRetained(memory).toOpaque()
    root.pointee.release = { array in
      let memory = Unmanaged<ArrayMemory>.fromOpaque(array!.pointee.private_data)
      array!.pointee.release = nil
      memory.release()
    }
    return { [weak memory] in memory != nil }
  }

  private func array(_ cells: MiniHost.Cells, skip: Int, offset: Int) -> ArrowArray {
    var array = ArrowArray()
    let total = skip + cells.count
    array.length = Int64(total - offset)
    array.offset = Int64(offset)
    array.null_count = -1
    let valid = block((total + 7) / 8).assumingMemoryBound(to: UInt8.self)
    func fill<T, U>(_ values: [T?], _ default: U, _ convert: (T) -> U) -> UnsafeMutablePointer<U> {
      let target = block(total * MemoryLayout<U>.stride).assumingMemoryBound(to: U.self)
      for row in 0..<total {
        let value = row < skip ? nil : values[row - skip]
        target[row] = value.map(convert) ?? `default`
        if value != nil { valid[row >> 3] |= 1 << UInt8(row & 7) }
      }
      return target
    }
    var buffers: [UnsafeRawPointer?]
    switch cells {
    case .bool(let values):
      let bytes = fill(values, UInt8(0)) { $0 ? 1 : 0 }
      let bits = block((total + 7) / 8).assumingMemoryBound(to: UInt8.self)
      for row in 0..<total { bits[row >> 3] |= bytes[row] << UInt8(row & 7) }
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(bits)]
    case .int32(let values): buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(fill(values, Int32(-77)) { $0 })]
    case .int64(let values), .timestamp(let values):
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(fill(values, Int64(-77)) { $0 })]
    case .double(let values): buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(fill(values, Double.nan) { $0 })]
    case .raw(let type, let values) where type != .binary:
      let width = MiniHost.width(type)
      let target = block(total * width)
      target.initializeMemory(as: UInt8.self, repeating: 0xB3, count: total * width)
      for row in skip..<total {
        guard let value = values[row - skip] else { continue }
        (target + row * width).copyMemory(from: value, byteCount: width)
        valid[row >> 3] |= 1 << UInt8(row & 7)
      }
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(target)]
    case .text, .raw:
      let values = cells.bytes
      let offsets = block(4 * (total + 1)).assumingMemoryBound(to: Int32.self)
      var bytes: [UInt8] = []
      for row in 0..<total {
        if row >= skip, let value = values[row - skip] {
          bytes += value
          valid[row >> 3] |= 1 << UInt8(row & 7)
        } else {
          bytes += [0x3F]  // Behind a null may stand anything.
        }
        offsets[row + 1] = Int32(bytes.count)
      }
      let text = block(bytes.count)
      text.copyMemory(from: bytes, byteCount: bytes.count)
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(offsets), UnsafeRawPointer(text)]
    }
    if !cells.hasNull {
      array.null_count = 0
      buffers[0] = nil
    }
    array.n_buffers = Int64(buffers.count)
    let pointers = block(8 * buffers.count).assumingMemoryBound(to: UnsafeRawPointer?.self)
    for (index, buffer) in buffers.enumerated() { pointers[index] = buffer }
    array.buffers = pointers
    // A child is freed with its parent.
    array.release = { $0!.pointee.release = nil }
    return array
  }
}

extension MiniHost.Cells {
  /// Of texts and raw values.
  fileprivate var bytes: [[UInt8]?] {
    switch self {
    case .text(let values): values.map { $0.map { Array($0.utf8) } }
    case .raw(_, let values): values
    default: []
    }
  }

  var count: Int {
    switch self {
    case .bool(let values): values.count
    case .int32(let values): values.count
    case .int64(let values), .timestamp(let values): values.count
    case .double(let values): values.count
    case .text(let values): values.count
    case .raw(_, let values): values.count
    }
  }

  var hasNull: Bool {
    switch self {
    case .bool(let values): values.contains(nil)
    case .int32(let values): values.contains(nil)
    case .int64(let values), .timestamp(let values): values.contains(nil)
    case .double(let values): values.contains(nil)
    case .text(let values): values.contains(nil)
    case .raw(_, let values): values.contains(nil)
    }
  }
}

extension MiniHost.Cells {
  var nullCount: Int {
    switch self {
    case .bool(let values): values.count { $0 == nil }
    case .int32(let values): values.count { $0 == nil }
    case .int64(let values), .timestamp(let values): values.count { $0 == nil }
    case .double(let values): values.count { $0 == nil }
    case .text(let values): values.count { $0 == nil }
    case .raw(_, let values): values.count { $0 == nil }
    }
  }
}
