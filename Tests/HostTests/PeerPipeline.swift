import Glibc
import TestSupport
import VolleyPlan

/// A pipeline of the C plugin in `Peers/any.c`: any plan, and one batch function that does what a test asks for.
struct PeerPipeline {
  /// What the batch function `act` does with its first batch.
  enum Deed: String, CaseIterable {
    case none, trap, abort, segv, divide, overflow, exit, kill, fail
    case trapInPlan = "trap-in-plan"
    /// What a program does that gets no memory.
    case shortage
    /// A message of several lines with control characters.
    case ugly
    /// To standard output, in the plugin and in a program that it starts.
    case print
    case hangInPlan = "hang-in-plan"
    case hangInOpen = "hang-in-open"
    case hangInProcess = "hang-in-process"
    case hangInSourceOpen = "hang-in-source-open"
    case hangInRead = "hang-in-read"
    case hangInStop = "hang-in-stop"
  }

  /// The path of the plan's file.
  let planPath: String

  init(_ plan: Plan) {
    do {
      self.init(json: try PlanJSON.encode(plan))
    } catch {
      fatalError("a test's plan cannot be written: \(error)")
    }
  }

  init(json: String) {
    // Named by its content (FNV-1a), and there as long as the tests run.
    let hash = json.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    planPath = "\(Self.folder)/\(String(hash, radix: 16)).json"
    // Moved there whole: a test beside this one may read the same plan.
    let fresh = "\(planPath).\(UInt64.random(in: 0 ... .max))"
    guard let file = fopen(fresh, "w"), fputs(json, file) >= 0, fclose(file) == 0, rename(fresh, planPath) == 0 else {
      fatalError("cannot write \(planPath): errno \(errno)")
    }
  }

  /// The command line that runs it.
  func command(_ deed: Deed = .none, _ flags: String...) -> [String] {
    [HostProgram.path, "run", "--plugin", Self.plugin, "--set", "plan=\(planPath)", "--set", "deed=\(deed.rawValue)"]
      + flags
  }

  /// Beside the tests' program, emptied when they start.
  private static let folder: String = {
    let folder = "\(HostProgram.folder)/host-test-peers"
    guard TestProcess.run(["rm", "-rf", folder]).status == 0, mkdir(folder, 0o777) == 0 else {
      fatalError("cannot make \(folder): errno \(errno)")
    }
    return folder
  }()

  /// Compiled once for all tests of this process.
  static let plugin: String = {
    let path = "\(folder)/libany.so"
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    let compiled = TestProcess.run([
      "clang", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
      here.dropLast(3).joined(separator: "/") + "/sdk/Sources/CVolley/include",
      here.dropLast().joined(separator: "/") + "/Peers/any.c", "-o", path,
    ])
    guard compiled.status == 0 else { fatalError("the peer plugin does not compile: \(compiled.errors)") }
    return path
  }()

  /// source → act → sink.
  static func acting(from source: Plan.Source, to sink: Plan.Connector) -> PeerPipeline {
    PeerPipeline(
      Plan(
        name: "any",
        nodes: [
          .init(id: 0, uid: "in", inputs: [], operator: .source(source)),
          .init(
            id: 1, uid: nil, inputs: [.init(node: 0)],
            operator: .batchFunction(.init(function: "act", label: "act", columns: nil, outputs: [source.schema]))),
          .init(id: 2, uid: "out", inputs: [.init(node: 1)], operator: .sink(.init(implementation: .connector(sink)))),
        ]))
  }

  /// source → sink.
  static func straight(from source: Plan.Source, to sink: Plan.Connector) -> PeerPipeline {
    PeerPipeline(
      Plan(
        name: "any",
        nodes: [
          .init(id: 0, uid: "in", inputs: [], operator: .source(source)),
          .init(id: 1, uid: "out", inputs: [.init(node: 0)], operator: .sink(.init(implementation: .connector(sink)))),
        ]))
  }
}

extension Plan.Source {
  /// Rows 0, 1, 2… in a column `n`: `rows` of them or endless, at a rate or as fast as they are taken.
  static func numbers(_ rows: Int64? = nil, rate: Double? = nil) -> Plan.Source {
    var options: [JSONValue.Member] = []
    if let rows { options.append(.init("rows", .int(rows))) }
    if let rate { options.append(.init("rate", .double(rate))) }
    return Plan.Source(
      implementation: .connector(.init(name: "generator", options: .object(options))), schema: [Field("n", .int64)])
  }

  /// A source of the plugin's own, without rows: "source" ends, "idle" goes on.
  static func own(_ function: String = "source") -> Plan.Source {
    Plan.Source(implementation: .function(function), schema: [Field("n", .int64)])
  }

  /// Each line of standard input, in a column `line`.
  static let lines = Plan.Source(
    implementation: .connector(.init(name: "stdin", options: .object([.init("format", .string("lines"))]))),
    schema: [Field("line", .utf8)])

  static func file(_ format: String, _ path: String, _ schema: [Field]) -> Plan.Source {
    Plan.Source(
      implementation: .connector(.init(name: format, options: .object([.init("path", .string(path))]))), schema: schema)
  }
}

extension Plan.Connector {
  static let blackhole = Plan.Connector(name: "blackhole")
  static let console = Plan.Connector(name: "console")

  static func stdout(_ format: String) -> Plan.Connector {
    Plan.Connector(name: "stdout", options: .object([.init("format", .string(format))]))
  }

  static func file(_ format: String, _ path: String) -> Plan.Connector {
    Plan.Connector(name: format, options: .object([.init("path", .string(path))]))
  }
}
