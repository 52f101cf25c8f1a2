import CVolley
import Volley
import VolleyPlan

/// A pipeline whose `build` the test gives. The host asks for types, so the closure comes as a task-local value.
struct ClosurePipeline: Pipeline {
  static let name = "example"
  @TaskLocal static var body: @Sendable (StreamExecutionEnvironment) throws -> Void = { _ in }
  func build(_ env: StreamExecutionEnvironment) throws { try Self.body(env) }
}

/// This process as a plugin, with what all tests need: a library has one root.
enum ExamplePlugin {
  nonisolated(unsafe) static let root = export(  // Written once, before anybody reads.
    ClosurePipeline.self, Parameters.self, Hasty.self, HastyDefault.self, Stranger.self,
    connectors: [
      Numbers.self, Collected.self, Both.self, HastyConnector.self, Replayed.self, Ledger.self,
    ], codecs: [ChunkCodec.self],
    name: "examples", version: "1.2.3", description: "for tests")

  static func pipeline(_ name: String) -> UnsafePointer<volley_pipeline>? {
    var index: UInt32 = 0
    while let pipeline = root.pointee.pipeline(index) {
      if String(cString: pipeline.pointee.name) == name { return pipeline }
      index += 1
    }
    return nil
  }

  static func connector(_ name: String) -> UnsafePointer<volley_connector>? {
    var index: UInt32 = 0
    while let connector = root.pointee.connector(index) {
      if String(cString: connector.pointee.name) == name { return connector }
      index += 1
    }
    return nil
  }
}

/// A pipeline's plan as a host gets it, released with the value.
final class Built {
  let plan: Plan
  let memory: UnsafeMutablePointer<volley_plan>

  /// Builds a pipeline of the example plugin.
  init(_ name: String, values: String = "{}") throws {
    let pipeline = ExamplePlugin.pipeline(name)!
    memory = .allocate(capacity: 1)
    memory.initialize(to: volley_plan())
    memory.pointee.header = .init(size: UInt32(MemoryLayout<volley_plan>.size), major: 0, minor: 1)
    do {
      try MiniHost.check { [memory] error in
        pipeline.pointee.plan(pipeline, values, UInt64(values.utf8.count), memory, error)
      }
    } catch {
      memory.deallocate()
      throw error
    }
    plan = try PlanJSON.decode(
      UnsafeRawBufferPointer(start: memory.pointee.json, count: Int(memory.pointee.json_length)))
  }

  /// Builds what the closure describes.
  static func of(_ body: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void) throws -> Built {
    try ClosurePipeline.$body.withValue(body) { try Built("example") }
  }

  deinit {
    memory.pointee.release(memory)
    memory.deallocate()
  }

  /// The sentence with which a pipeline is refused; nil when it is not.
  static func refusal(_ body: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void) -> String? {
    do {
      _ = try Built.of(body)
      return nil
    } catch {
      return "\(error)"
    }
  }

  func create(
    _ host: MiniHost, kind: UInt32, function: String, uid: String = "here", inputs: [[Field]] = [],
    outputs: [[Field]] = [], subtask: UInt32 = 0, parallelism: UInt32 = 1
  ) throws -> MiniHost.Instance {
    try host.create(
      kind: kind, function: function, uid: uid, inputs: inputs, outputs: outputs, subtask: subtask,
      parallelism: parallelism
    ) { [memory] place, instance, error in memory.pointee.create(memory, host.host, kind, place, instance, error) }
  }
}

extension StreamExecutionEnvironment {
  /// A source with a column of each type.
  func example(_ uid: String = "in") -> DataStream {
    fromSource(
      .jsonLines(
        "in.jsonl",
        schema: ["a": .int64, "b": .float64, "c": .utf8, "d": .bool, "e": .timestamp, "f": .int32]), uid: uid)
  }
}
