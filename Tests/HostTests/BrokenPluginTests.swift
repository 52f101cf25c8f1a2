import TestSupport
import Testing

/// The plugins of Tests/Museum/broken, one a rule of the boundary, run by the host itself: the sentence on stderr, the exit
/// code, and a supervisor that survives whatever its worker dies of.
@Suite struct BrokenPluginTests {
  private func run(_ source: PluginSource) throws -> (status: Int32, lines: [String], path: String) {
    let path = try source.compiled()
    let outcome = HostProgram.run("run", "--plugin", path, "--report", "none")
    return (outcome.status, outcome.errors.split(separator: "\n").map(String.init), path)
  }

  private static var trap: String {
    #if arch(x86_64)
      "SIGILL (illegal instruction)"
    #else
      "SIGTRAP (trap)"
    #endif
  }

  @Test("the plugin that the broken ones are made of runs")
  func sound() throws {
    let (status, lines, _) = try run(.broken("none"))
    #expect(status == 0)
    #expect(!lines.contains { $0.hasPrefix("volley-host: ") }, "\(lines)")
  }

  @Test(
    "a trap in each call ends the worker and is told by the supervisor",
    arguments: [
      ("plan", "broken", "plan"), ("create", "drop", "create"), ("open", "drop", "open"), ("call", "twice", "call"),
      ("process", "pass", "process"), ("flush", "pass", "flush"), ("read", "numbers", "read"),
      ("write", "drop", "write"), ("finish", "drop", "finish"), ("close", "numbers", "close"),
      ("destroy", "numbers", "destroy"), ("release plan", "broken", "release"),
    ])
  func traps(slot: String, function: String, call: String) throws {
    let (status, lines, path) = try run(.broken("trap \(slot)"))
    #expect(status == 70)
    let expected =
      "volley-host: plugin 'broken' (\(path)): function '\(function)' trapped in '\(call)': \(Self.trap); "
    #expect(lines.last?.hasPrefix(expected) == true, "\(lines)")
  }

  @Test("a trap while a batch of the plugin's is released is the plugin's")
  func trapInRelease() throws {
    let (status, lines, path) = try run(.broken("trap release"))
    #expect(status == 70)
    // Whose batch goes first is the chain's affair.
    #expect(lines.last?.hasPrefix("volley-host: plugin 'broken' (\(path)): function '") == true, "\(lines)")
    #expect(lines.last?.contains("' trapped in 'release': \(Self.trap); ") == true, "\(lines)")
  }

  @Test(
    "an error from each call has the exit code of its domain",
    arguments: [
      ("plan", 64, "pipeline 'broken' failed in 'plan': the moon is full (code 42)"),
      ("create", 64, "sink 'drop' failed in 'create': the moon is full (code 42)"),
      ("open", 65, "sink 'drop' failed in 'open': the moon is full (code 42)"),
      ("call", 65, "function 'twice' failed in 'call': the moon is full (code 42)"),
      ("process", 65, "function 'pass' failed in 'process': the \u{FFFD}oon is full (code 42)"),
      ("flush", 70, "function 'pass' failed in 'flush': the moon is full"),
      ("read", 65, "source 'numbers' failed in 'read': it gives no reason (code 42)"),
      ("write", 74, "sink 'drop' failed in 'write': the moon is full (code 42)"),
      ("finish", 65, "sink 'drop' failed in 'finish': the moon is full (code 42)"),
      ("close", 70, "source 'numbers' failed in 'close': the moon is full (code 42)"),
    ])
  func errors(slot: String, status expected: Int32, message: String) throws {
    let (status, lines, _) = try run(.broken("fail \(slot)"))
    #expect(status == expected)
    #expect(lines.last?.hasPrefix("volley-host: ") == true, "\(lines)")
    #expect(lines.last?.hasSuffix("plugin 'broken': \(message)") == true, "\(lines)")
  }

  @Test(
    "a broken rule of data is a refused plugin",
    arguments: [
      ("no result", "function 'twice' returned OK from 'call' without a result; move an array to 'result'"),
      ("output index", "function 'pass' emitted on output 3, its outputs are 0 to 0; declare it in the plan"),
      (
        "released batch",
        "function 'pass' emitted a batch on output 0 that was released or moved before; emit each batch once"
      ),
      ("emit outside", "sink 'drop' called 'emit' outside 'process' and 'flush'; emit only inside them"),
      (
        "short column",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface has 3 rows, where its batch has 4 from row 0 on"
      ),
      (
        "null process",
        "function 'pass': table volley_batch_function has NULL in the slot 'process', which must be there; fill it in"
      ),
    ])
  func results(fault: String, message: String) throws {
    let (status, lines, _) = try run(.broken(fault))
    #expect(status == 69)
    #expect(lines.last?.hasSuffix("plugin 'broken': \(message)") == true, "\(lines)")
  }

  @Test("a file that is unfit is refused before any of its code runs")
  func files() throws {
    // Its root traps: that it is not reached shows that nothing ran.
    for flags in [["-DBREAK_NO_NOTE"], ["-DNOTE_MAGIC=1u"], ["-DNOTE_MAJOR=9"], ["-DNOTE_HOST_MINOR=9"]] {
      let (status, lines, path) = try run(.broken(flags: ["-DFAULT=\"trap root\""] + flags))
      #expect(status == 69)
      #expect(lines.last?.contains("'\(path)'") == true, "\(lines)")
      #expect(lines.last?.contains("trapped") == false, "\(lines)")
    }
  }

  @Test("a batch that a plugin keeps is a warning, and the job ends well")
  func leaked() throws {
    let (status, lines, _) = try run(.broken("leaked array"))
    #expect(status == 0)
    #expect(lines.contains { $0.contains("plugin 'broken': function 'pass' kept ") }, "\(lines)")
  }

  @Test(
    "the museum's pipelines run, each built against the frozen header of its version",
    arguments: PluginSource.museumVersions)
  func museum(version: String) throws {
    let folder = TemporaryFolder()
    let path = try PluginSource.museum(version).compiled()
    let outcome = HostProgram.run(
      "run", "--plugin", path, "--set", "rows=300", "--set", "out=\(folder.file("cheap.txt"))", "--report", "none",
      "--log-format", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let written = String(decoding: folder.read("cheap.txt") ?? [], as: UTF8.self).split(separator: "\n")
    // 1.25 times the price stays below 50 for prices 0 to 39.
    let expected = (0..<300).filter { $0 % 100 < 40 }.map { "\($0) \(twoDecimals(Double($0 % 100) * 1.25))" }
    #expect(written.map(String.init).sorted() == expected.sorted())
    #expect(outcome.errors.contains("counted 180 rows at dear"))
  }

  private func twoDecimals(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
