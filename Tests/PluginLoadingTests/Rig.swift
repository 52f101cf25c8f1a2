import Arrow
import Base
import Dataflow
import Expressions
import Operators
import PluginLoading
import Synchronization
import Testing
import VolleyPlan

/// What plugins log, in order.
final class Events: Sendable {
  private let list = Mutex<[PluginEvent]>([])
  var all: [PluginEvent] { list.withLock { $0 } }
  var listener: PluginListener { { event in self.list.withLock { $0.append(event) } } }
}

/// Keeps what an operator emits, by output.
final class Kept: Collector {
  var batches: [[RecordBatch]]
  /// Thrown at the first batch, when there is one.
  var failure: Failure?

  init(outputs: Int) { batches = Array(repeating: [], count: outputs) }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    if let failure { throw failure }
    batches[output].append(batch)
  }
}

extension UserCodePlace {
  static func at(_ uid: String, subtask: Int = 0, of parallelism: Int = 1) -> UserCodePlace {
    UserCodePlace(
      uid: uid, subtask: SubtaskContext(id: SubtaskID(task: 0, index: subtask), parallelism: parallelism))
  }
}

extension RecordBatch {
  static func int64(_ values: [Int64], name: String = "value") -> RecordBatch {
    RecordBatch(
      schema: Schema([Field(name, .int64, nullable: false)]), columns: [.int64(values)], length: values.count)
  }

  func int64(_ column: Int) -> [Int64] { (0..<length).map { columns[column].values(Int64.self)[$0] } }
  func float64(_ column: Int) -> [Double] { (0..<length).map { columns[column].values(Double.self)[$0] } }
}

extension Column {
  static func int64(_ values: [Int64]) -> Column { fixed(values, .int64) }
  static func float64(_ values: [Double]) -> Column { fixed(values, .float64) }

  private static func fixed<Value: BitwiseCopyable>(_ values: [Value], _ type: DataType) -> Column {
    let buffer = Buffer(byteCount: values.count * MemoryLayout<Value>.stride)
    for (index, value) in values.enumerated() { buffer.unsafeMutableValues(Value.self)[index] = value }
    return Column(type: type, length: values.count, validity: nil, buffers: [buffer])
  }
}

/// Runs the pipeline of Tests/Museum/broken on one thread, in the order that a job keeps: open from the end, read to the end,
/// finish, close; after a failure only close.
final class Rig {
  let events = Events()
  let set: PluginSet
  private static let schema = Schema([Field("value", .int64, nullable: false)])
  private(set) var written: [Int64] = []
  /// What `close` threw after another failure.
  private(set) var failuresOfClose: [Failure] = []

  init(_ path: String) throws(Failure) {
    let plugin = try Plugin.load(path: path)
    let built = try plugin.pipeline(named: nil).plan()
    set = try PluginSet(pipeline: built, of: plugin, listener: events.listener)
  }

  /// Loads the plugin, runs it, and gives the failure that ended it.
  static func failure(of path: String) -> Failure? {
    do throws(Failure) {
      try Rig(path).run()
      return nil
    } catch {
      return error
    }
  }

  func run() throws(Failure) {
    let sink = try set.makeSink("drop", schema: Self.schema, at: .at("drop"))
    let batchFunction = try set.makeBatchFunction(
      "pass", input: Self.schema, outputs: [Self.schema], at: .at("pass"))
    let function = try set.scalarFunctions(at: .at("select 1")).makeScalarFunction(
      Expression.UserFunction(
        function: "twice", arguments: [.column("value")], parameterTypes: [.int64], resultType: .int64,
        acceptsNulls: false))
    let source = try set.makeSource("numbers", schema: Self.schema, at: .at("numbers"))
    var first: Failure?
    do throws(Failure) {
      try sink.open()
      try batchFunction.open()
      try function.open()
      try source.open()
      try pump(source, function, batchFunction, sink)
    } catch {
      first = error
    }
    let complete = first == nil
    note(&first) { () throws(Failure) in try source.close() }
    note(&first) { () throws(Failure) in try function.close() }
    note(&first) { () throws(Failure) in try batchFunction.close() }
    note(&first) { () throws(Failure) in try sink.close(complete: complete) }
    if let first { throw first }
    try runCodec()
  }

  /// Takes 100 bytes through the codec and back, whole and as a stream.
  private func runCodec() throws(Failure) {
    let coder = try set.codecs.codec(named: "chunk", for: "rig").makeCoder(uid: "files")
    let bytes = (0..<100).map { UInt8($0) }
    var packed = [UInt8](repeating: 0, count: try coder.bound(bytes.count))
    let count = try packed.withBytes { output throws(Failure) in
      try bytes.withRawBytes { input throws(Failure) in try coder.compress(input, into: output) }
    }
    precondition(packed.count == 102 && count == 102 && packed[2...].elementsEqual(bytes), "it compresses")
    var opened = [UInt8](repeating: 0, count: 100)
    let size = try opened.withBytes { output throws(Failure) in
      try packed.withRawBytes { input throws(Failure) in try coder.decompress(input, into: output) }
    }
    precondition(size == 100 && opened == bytes, "it decompresses")
    let streamed = try coder.stream(.compress, bytes, input: 7, room: 11)
    precondition(streamed.output == packed && streamed.consumed == 100, "it compresses a stream")
    let back = try coder.stream(.decompress, packed + [1, 2], input: 7, room: 11)
    precondition(back.output == bytes && back.consumed == 102, "it decompresses a stream up to its end")
  }

  /// Runs a step of the end, which goes on whatever comes of it.
  private func note(_ first: inout Failure?, _ step: () throws(Failure) -> Void) {
    do throws(Failure) {
      try step()
    } catch {
      if first == nil { first = error } else { failuresOfClose.append(error) }
    }
  }

  private func pump(
    _ source: any Source, _ function: any ScalarFunction, _ batchFunction: any Operator, _ sink: any Sink
  ) throws(Failure) {
    let kept = Kept(outputs: 1)
    reading: while true {
      switch try source.read(maxRows: 100, timeout: .milliseconds(10)) {
      case .idle: continue
      case .end: break reading
      case .batch(let batch):
        let doubled = try function.call(batch.columns, rowCount: batch.length)
        let result = RecordBatch(schema: Self.schema, columns: [doubled], length: batch.length)
        try batchFunction.process(result, input: 0, to: kept)
        try write(kept, to: sink)
      }
    }
    source.stop()
    try batchFunction.finish(to: kept)
    try write(kept, to: sink)
    try sink.flush()
  }

  private func write(_ kept: Kept, to sink: any Sink) throws(Failure) {
    for batch in kept.batches[0] {
      written += batch.int64(0)
      try sink.write(batch)
    }
    kept.batches[0] = []
  }
}
