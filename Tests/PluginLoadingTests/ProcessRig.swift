import Arrow
import Base
import CVolley
import Dataflow
import Synchronization
import Testing
import VolleyPlan

@testable import Operators
@testable import PluginLoading
@testable import Volley

/// A pipeline of the SDK's in this process, as its plugin would offer it.
struct ProcessPipeline: Pipeline {
  static let name = "process-example"
  @TaskLocal static var body: @Sendable (StreamExecutionEnvironment) throws -> Void = { _ in }
  func build(_ env: StreamExecutionEnvironment) throws { try Self.body(env) }
}

/// The user's code behind the C tables that the SDK makes, the host's adapter and operator before them: a process function without
/// threads, channels or files.
final class ProcessRig {
  let manual = ManualClock()
  let events = Events()
  let kept: Kept
  let spec: Plan.Process
  let input: Arrow.Schema
  let memory = StateMemory(limit: .max)
  private let plan: UnsafeMutablePointer<volley_plan>
  private(set) var made: KeyedProcessOperator

  /// Builds a pipeline, and runs the process function that it has.
  ///
  /// - Parameters:
  ///   - input: columns that the rows have; the one named `ts` is the event time.
  ///   - keys: names of the key's columns.
  init(
    input: [Field], keys: [String], hasEventTime: Bool = true, memory: StateMemory? = nil,
    _ body: @escaping @Sendable (KeyedStream) throws -> Void
  ) throws {
    let inputSchema = Arrow.Schema(input)
    self.input = inputSchema
    let names = keys
    plan = try Self.build { env in
      let source = env.fromSource(.jsonLines("rows", schema: ["user": .utf8]), uid: "rows")
      try body(names.count == 1 ? source.keyBy(names[0]) : source.keyBy(names[0], names[1]))
    }
    let document = try PlanJSON.decode(
      UnsafeRawBufferPointer(start: plan.pointee.json, count: Int(plan.pointee.json_length)))
    var found: Plan.Process?
    for node in document.nodes { if case .process(let process) = node.operator { found = process } }
    let spec = try #require(found)
    self.spec = spec
    kept = Kept(outputs: spec.outputs.count)
    let pointer = UnsafePointer(plan)
    let place = UserCodePlace.at("here")
    let columns = KeyedProcessOperator.Columns(
      keys: try names.map { try #require(inputSchema.index(of: $0)) },
      rows: try (spec.columns ?? input).map { try #require(inputSchema.index(of: $0.name)) },
      time: hasEventTime ? inputSchema.index(of: "ts") : nil)
    let request = InstanceRequest(
      kind: .keyedProcess, function: spec.function, place: place,
      inputs: [
        Arrow.Schema(columns.rows.map { input[$0] }), Arrow.Schema(columns.keys.map { input[$0] }),
      ], outputs: spec.outputs.map { Arrow.Schema($0) },
      host: InstanceHost(listener: events.listener, registry: InstanceRegistry()))
    let instance = try PluginInstance(
      request, scope: PluginScope(name: "sdk"), parameters: ParameterTexts([]), owner: manual
    ) { host, place, instance, error in
      pointer.pointee.create(pointer, host, VOLLEY_KIND_KEYED_PROCESS, place, instance, error)
    }
    made = KeyedProcessOperator(
      try PluginKeyedProcess(instance, states: spec.states), states: spec.states, columns: columns, input: inputSchema,
      clock: SubtaskClock(.manual(manual)), memory: memory ?? self.memory)
    try made.open()
  }

  private static func build(
    _ body: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void
  ) throws -> UnsafeMutablePointer<volley_plan> {
    try ProcessPipeline.$body.withValue(body) { try build() }
  }

  private static func build() throws -> UnsafeMutablePointer<volley_plan> {
    // Not by way of a root, of which a process has one, whatever test made it.
    let built = try BuiltPlan(ProcessPipeline.self, values: UnsafeRawBufferPointer(start: nil, count: 0))
    let plan = UnsafeMutablePointer<volley_plan>.allocate(capacity: 1)
    plan.initialize(to: volley_plan())
    plan.pointee.header = .of(volley_plan.self)
    built.write(to: plan)
    return plan
  }

  /// The sentence with which a pipeline is refused; nil when it is not.
  static func refusal(_ body: @escaping @Sendable (KeyedStream) throws -> Void) -> String? {
    do {
      let plan = try build { env in
        try body(env.fromSource(.jsonLines("rows", schema: ["user": .utf8]), uid: "rows").keyBy("user"))
      }
      plan.pointee.release(plan)
      plan.deallocate()
      return nil
    } catch {
      return "\(error)"
    }
  }

  deinit {
    // The instance is part of the plan: it goes first.
    try? made.close()
    plan.pointee.release(plan)
    plan.deallocate()
  }

  func give(_ columns: [Column]) throws(Failure) {
    try made.process(
      RecordBatch(schema: input, columns: columns, length: columns[0].length), input: 0, to: kept)
    try giveRest()
  }

  func watermark(_ time: Int64) throws(Failure) {
    try made.watermark(EventTime(microseconds: time), to: kept)
    try giveRest()
  }

  /// What the last call left, as a subtask has it given.
  private func giveRest() throws(Failure) { while made.hasMore { try made.proceed(to: kept) } }

  /// Moves the clock, and wakes the operator as a subtask does.
  func wait(until time: Int64) throws(Failure) {
    manual.advance(to: ProcessingTime(microseconds: time))
    while let wake = made.wakeTime, wake.microseconds <= time {
      try made.wake(at: ProcessingTime(microseconds: time), to: kept)
    }
  }

  func finish() throws(Failure) {
    try made.finish(to: kept)
    try giveRest()
  }

  /// The rows of an output so far, one text a row, and forgets them.
  func rows(_ output: Int = 0) -> [String] {
    defer { kept.batches[output] = [] }
    return kept.batches[output].flatMap { batch in
      (0..<batch.length).map { row in
        batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " ")
      }
    }
  }
}

extension Column {
  static func of(_ type: DataType, _ values: [Int64?]) -> Column {
    let builder = FixedBuilder<Int64>(type)
    for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
    return builder.finish()
  }

  static func texts(_ values: [String?]) -> Column {
    let builder = Utf8Builder()
    for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
    return builder.finish()
  }

  static func times(_ values: [Int64]) -> Column { of(.timestamp, values) }
}
