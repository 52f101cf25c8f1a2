import CVolley
import VolleyPlan

/// An instance of user code, by kind.
enum Instance {
  case scalarFunction(ScalarInstance)
  case batchFunction(BatchInstance)
  case source(SourceInstance)
  case sink(SinkInstance)
  case codec(CodecInstance)
  case keyedProcess(AnyProcessInstance)
  case aggregate(AnyAggregateInstance)
  case windowFunction(AnyWindowInstance)
  case watermarkAssigner(AnyWatermarkInstance)
  case asyncFunction(AnyAsyncInstance)
}

/// What the host holds a pointer to.
class AnyInstance {
  let context: TaskContext
  init(_ context: TaskContext) { self.context = context }
  func open() throws {}
  func close() throws {}
}

final class ScalarInstance: AnyInstance {
  private let parameters: [FunctionParameter]
  private let result: FunctionParameter
  private let body: @Sendable (FunctionArguments) throws -> OutputColumn

  init(
    _ context: TaskContext, parameters: [FunctionParameter], result: FunctionParameter,
    body: @escaping @Sendable (FunctionArguments) throws -> OutputColumn
  ) {
    self.parameters = parameters
    self.result = result
    self.body = body
    super.init(context)
  }

  func call(_ arguments: UnsafeMutablePointer<ArrowArray>, _ result: UnsafeMutablePointer<ArrowArray>) throws {
    let schema = context.inputs.first ?? Schema([])
    let batch = try Batch(moving: arguments, schema: schema)
    guard schema.fields.map(\.type) == parameters.map(\.type) else {
      let found = schema.fields.map { "\($0.type)" }.joined(separator: ", ")
      let expected = parameters.map { "\($0.type)" }.joined(separator: ", ")
      throw VolleyError("the function takes (\(expected)) and was given (\(found))", domain: .internal)
    }
    let column = try body(
      FunctionArguments(rowCount: batch.rowCount, columns: batch.columns, acceptsNull: parameters.map(\.isOptional)))
    withExtendedLifetime(batch) {}
    try column.exported().export(to: result)
  }
}

final class BatchInstance: AnyInstance {
  private let function: any BatchFunction
  private let output: Output

  init(_ context: TaskContext, _ function: any BatchFunction) {
    self.function = function
    output = Output(context)
    super.init(context)
  }

  override func open() throws { try function.open(context) }
  override func close() throws { try function.close() }
  func flush() throws { try function.flush(to: output) }

  func process(_ input: Int, _ batch: UnsafeMutablePointer<ArrowArray>) throws {
    guard input < context.inputs.count else {
      batch.pointee.release?(batch)
      throw VolleyError(
        "the host gave a batch of input \(input), and there are \(context.inputs.count)", domain: .internal)
    }
    try function.process(try Batch(moving: batch, schema: context.inputs[input]), to: output)
  }
}

final class SourceInstance: AnyInstance {
  private let reader: any SourceReader
  private let answer = AnswerText()
  var isReplayable: Bool { reader is any ReplayableSourceReader }
  private let builder: BatchBuilder

  init(_ context: TaskContext, _ reader: any SourceReader) {
    self.reader = reader
    builder = BatchBuilder(context.outputs.first ?? Schema([]))
    super.init(context)
  }

  override func open() throws { try reader.open(context) }
  override func close() throws { try reader.close() }

  func read(_ maxRows: UInt64, _ timeout: UInt64, _ batch: UnsafeMutablePointer<ArrowArray>) throws -> UInt32 {
    let outcome = try reader.read(
      into: builder, maxRows: Int(min(maxRows, 1 << 40)), timeout: .nanoseconds(Int64(min(timeout, 1 << 62))))
    switch outcome {
    case .rows:
      let (rowCount, columns) = try builder.take()
      guard rowCount > 0 else { return VOLLEY_READ_IDLE }
      ExportedColumn.export(columns, rowCount: rowCount, to: batch)
      return VOLLEY_READ_BATCH
    case .idle, .end:
      guard builder.rowCount == 0 else {
        throw VolleyError("the source appended \(builder.rowCount) rows and returned \(outcome): return .rows for them")
      }
      if case .end = outcome { return VOLLEY_READ_END }
      return VOLLEY_READ_IDLE
    }
  }

  func stop() {
    context.stop()
    reader.stop()
  }

  func positions() throws -> AnswerText {
    guard let reader = reader as? any ReplayableSourceReader else { throw Self.noPart }
    answer.set(
      try reader.positions().map { .object([.init("split", .string($0.split)), .init("position", $0.position)]) })
    return answer
  }

  func resume(_ json: UnsafePointer<CChar>?, _ length: UInt64) throws {
    guard let reader = reader as? any ReplayableSourceReader else { throw Self.noPart }
    try reader.resume(
      at: try elements(json, length).map { element in
        guard case .string(let split)? = element["split"], let position = element["position"] else {
          throw VolleyError("the host gave a position without split or position", domain: .internal)
        }
        return SplitPosition(split: split, position: position)
      })
  }

  private static var noPart: VolleyError {
    VolleyError("the host asked a reader for positions that has none", domain: .internal)
  }
}

/// The elements of an array that the host gives as text.
private func elements(_ json: UnsafePointer<CChar>?, _ length: UInt64) throws -> [JSONValue] {
  guard let json, length <= UInt64(Int.max),
    case .array(let elements) = try JSONValue.parse(UnsafeRawBufferPointer(start: json, count: Int(length)))
  else { throw VolleyError("the host gave no array", domain: .internal) }
  return elements
}

/// Text that the host may read until the next call of an instance.
final class AnswerText {
  private(set) var text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  private(set) var length: UInt64 = 0

  deinit { text.deallocate() }

  func set(_ elements: [JSONValue]) {
    var document = JSONValue.array(elements).text
    document.withUTF8 { bytes in
      text.deallocate()
      text = .allocate(capacity: max(1, bytes.count))
      UnsafeMutableRawPointer(text).copyMemory(
        from: UnsafeRawBufferPointer(bytes).baseAddress ?? UnsafeRawPointer(text), byteCount: bytes.count)
      length = UInt64(bytes.count)
    }
  }

  func write(
    to json: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ length: UnsafeMutablePointer<UInt64>?
  ) throws(VolleyError) {
    guard let json, let length else {
      throw VolleyError("the host asked for text without a place for it", domain: .internal)
    }
    json.pointee = UnsafePointer(text)
    length.pointee = self.length
  }
}

final class SinkInstance: AnyInstance {
  private let writer: any SinkWriter
  private let answer = AnswerText()
  var isTransactional: Bool { writer is any TransactionalSinkWriter }

  init(_ context: TaskContext, _ writer: any SinkWriter) {
    self.writer = writer
    super.init(context)
  }

  override func open() throws { try writer.open(context) }
  override func close() throws { try writer.close() }
  func flush() throws { try writer.flush() }
  func finish() throws { try writer.finish() }

  func write(_ batch: UnsafeMutablePointer<ArrowArray>) throws {
    try writer.write(try Batch(moving: batch, schema: context.inputs.first ?? Schema([])))
  }

  func prepare(_ epoch: UInt64) throws -> AnswerText {
    answer.set(try transactional().prepare(epoch: epoch))
    return answer
  }

  func commit(_ json: UnsafePointer<CChar>?, _ length: UInt64) throws {
    try transactional().commit(elements(json, length))
  }

  func recover(
    _ own: UnsafePointer<CChar>?, _ ownLength: UInt64, _ all: UnsafePointer<CChar>?, _ allLength: UInt64
  ) throws { try transactional().recover(own: elements(own, ownLength), all: elements(all, allLength)) }

  private func transactional() throws(VolleyError) -> any TransactionalSinkWriter {
    guard let writer = writer as? any TransactionalSinkWriter else {
      throw VolleyError("the host asked a writer for transactions that has none", domain: .internal)
    }
    return writer
  }
}
