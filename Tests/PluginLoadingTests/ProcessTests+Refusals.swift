import Base
import CPlatform
import Dataflow
import Glibc
import TestSupport
import Testing
import Volley

/// What ends a job or is refused before it begins.
extension ProcessTests {
  @Test("a state that outgrows its share of the memory ends the job with a sentence")
  func memoryLimit() throws {
    let rig = try rig(memory: StateMemory(limit: 4 << 20)) { Sums() }
    let failure = #expect(throws: Failure.self) {
      for first in 0..<100 { try give(rig, (0..<1000).map { ("key \(first) \($0)", 1, 0) }) }
    }
    #expect(failure?.message.hasPrefix("the state of ") == true)
  }

  private struct Nested: Codable {
    var name: String
    var parts: [String]
  }
  private final class Refused: KeyedProcessFunction {
    @State var nested = ValueState<Nested>()
    func process(_ row: Row, context: Context<String, Result>) throws {}
  }
  private final class Bare: KeyedProcessFunction {
    let bare = ValueState<Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {}
  }
  private final class Floats: KeyedProcessFunction {
    @State var byFloat = MapState<Double, Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {}
  }
  private struct Idle: KeyedProcessFunction {
    @State var count = ValueState<Int64>(timeToLive: .zero)
    func process(_ row: Row, context: Context<String, Result>) throws {}
    func onTimer(_ timer: FiredTimer, context: Context<String, Result>) throws {}
  }

  @Test("states that cannot be kept are refused when the plan is made, with the names of state and field")
  func refusals() throws {
    func refusal<F: KeyedProcessFunction>(_ make: @escaping @Sendable () -> F) -> String? {
      ProcessRig.refusal { $0.process("test", uid: "t", make).toSink(.blackhole, uid: "out") }
    }
    #expect(
      refusal { Refused() }?.hasSuffix(
        "test 't': state 'nested': field 'parts' of row type Nested is a Array<String>: a field is a Bool, an integer of 8 to 64 bits, "
          + "a Float16, Float, Double, String, [UInt8], CalendarDate, Timestamp or Duration, or an optional one")
        == true)
    #expect(
      refusal { Bare() }?.hasSuffix("'bare' of Bare is a state without @State: mark it with @State var bare = …")
        == true)
    #expect(
      refusal { Floats() }?.hasSuffix(
        "state 'byFloat': a map's key is a Double, which is no sound one: take an integer or a text") == true)
    #expect(
      refusal { Idle() }?.hasSuffix("state 'count': its time to live is 0.0 seconds: give it more than zero") == true)
    let side = ProcessRig.refusal {
      $0.process("test", sideOutputs: ["late": Row.self], uid: "t") { Sums() }.toSink(.blackhole, uid: "out")
    }
    #expect(side?.contains("output 1 of test 't' leads nowhere") == true)
  }

  private final class Trapping: KeyedProcessFunction {
    func process(_ row: Row, context: Context<String, Result>) throws {
      if row.value == 13 { fatalError("thirteen") }
      context.timers.register(at: Timestamp(microseconds: row.value))
    }
    func onTimer(_ timer: FiredTimer, context: Context<String, Result>) throws { fatalError("a timer") }
  }

  @Test("a trap in process and in onTimer is blamed on plugin, function and call", arguments: ["process", "timers"])
  func traps(call: String) async throws {
    let folder = TemporaryFolder()
    let path = folder.write("report", [UInt8](repeating: 0, count: MemoryLayout<platform_crash_report>.size))
    await #expect(processExitsWith: .failure) { [call = call as String, path = path as String] in
      guard platform_install_crash_handlers(open(path, O_RDWR)) == 0 else { exit(0) }
      do {
        let rig = try ProcessTests().rig { Trapping() }
        try rig.give([
          .texts(["a"]), .of(.int64, [call == "process" ? 13 : 5]), .times([1]),
        ])
        try rig.watermark(10)
      } catch {
        exit(0)
      }
      exit(0)
    }
    let bytes = try #require(folder.read("report"))
    let report = bytes.withUnsafeBytes { $0.loadUnaligned(as: platform_crash_report.self) }
    func text<Field>(_ field: KeyPath<platform_crash_report, Field>) -> String {
      withUnsafeBytes(of: report[keyPath: field]) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    #expect(report.signal == SIGILL || report.signal == SIGTRAP)
    #expect([text(\.plugin), text(\.function), text(\.call)] == ["sdk", "test:2", call])
  }
}
