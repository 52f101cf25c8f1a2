import CPlatform
import Glibc
import PluginLoading
import TestSupport
import Testing

/// A trap in a plugin ends the process; the crash report names plugin, function and slot. Each trap happens in a
/// process of its own.
struct TrapTests {
  @Test(
    "a trap in each call is blamed on plugin, function and slot",
    arguments: [
      ("root", "PATH", "volley_plugin_root"), ("pipeline", "broken", "pipeline"), ("parameter", "broken", "parameter"),
      ("plan", "broken", "plan"), ("create", "drop", "create"), ("open", "drop", "open"), ("call", "twice", "call"),
      ("process", "pass", "process"), ("flush", "pass", "flush"), ("read", "numbers", "read"),
      ("stop", "numbers", "stop"), ("write", "drop", "write"), ("finish", "drop", "finish"),
      ("close", "numbers", "close"), ("destroy", "numbers", "destroy"), ("release", "pass", "release"),
      ("release plan", "broken", "release"), ("codec", "broken", "codec"), ("option", "chunk", "option"),
      ("create coder", "chunk", "create"), ("open coder", "chunk", "open"), ("bound", "chunk", "bound"),
      ("compress", "chunk", "compress"), ("decompress", "chunk", "decompress"), ("begin", "chunk", "begin"),
      ("step", "chunk", "step"), ("close coder", "chunk", "close"), ("destroy coder", "chunk", "destroy"),
    ])
  func trap(slot: String, function: String, call: String) async throws {
    let path = try PluginSource.broken("trap \(slot)").compiled()
    let report = try await report(of: path)
    #expect(report.signal == SIGILL || report.signal == SIGTRAP)
    #expect(report.plugin == (function == "PATH" ? String(path.prefix(127)) : "broken"))
    #expect(report.function == (function == "PATH" ? String(path.prefix(127)) : function))
    #expect(report.call == call)
  }

  @Test("an abort and a bad pointer are blamed as well", arguments: [("abort", SIGABRT), ("segv", SIGSEGV)])
  func otherSignals(fault: String, signal: Int32) async throws {
    let report = try await report(of: try PluginSource.broken("\(fault) call").compiled())
    #expect(report.signal == signal)
    #expect(!report.ranShort)
    #expect(report.plugin == "broken")
    #expect(report.function == "twice")
    #expect(report.call == "call")
  }

  @Test(
    "what happens on a thread of the plugin's own, as the body of an async function runs on, is blamed on the plugin",
    arguments: [("own trap", [SIGILL, SIGTRAP]), ("own segv", [SIGSEGV])])
  func ownThread(fault: String, signals: [Int32]) async throws {
    // As Swift compiles.
    let source = PluginSource.broken(flags: ["-DFAULT=\"\(fault)\"", "-fno-omit-frame-pointer"])
    let report = try await report(of: try source.compiled())
    #expect(signals.contains(report.signal))
    #expect(report.plugin == "broken")
    #expect(report.function == "")
    #expect(report.call == "")
  }

  @Test("what happens in the host's own code while a plugin runs is not blamed on it")
  func hostCode() async throws {
    let folder = TemporaryFolder()
    let path = try PluginSource.broken("none").compiled()
    let shared = folder.write("report", [UInt8](repeating: 0, count: MemoryLayout<platform_crash_report>.size))
    await #expect(processExitsWith: .failure) { [path = path as String, shared = shared as String] in
      guard platform_install_crash_handlers(open(shared, O_RDWR)) == 0 else { exit(0) }
      do { _ = try Rig(path) } catch { exit(0) }
      fatalError("the host's")
    }
    let report = try Self.read(folder)
    #expect(report.signal == SIGILL || report.signal == SIGTRAP)
    #expect(report.plugin == "")
  }

  struct Report {
    var signal: Int32
    var ranShort: Bool
    var plugin: String
    var function: String
    var call: String
  }

  /// Runs the plugin's pipeline in another process, which dies, and reads what its crash handler wrote.
  private func report(of path: String) async throws -> Report {
    let folder = TemporaryFolder()
    let shared = folder.write("report", [UInt8](repeating: 0, count: MemoryLayout<platform_crash_report>.size))
    await #expect(processExitsWith: .failure) { [path = path as String, shared = shared as String] in
      let descriptor = open(shared, O_RDWR)
      guard platform_install_crash_handlers(descriptor) == 0 else { exit(0) }
      do {
        let rig = try Rig(path)
        try rig.run()
        withExtendedLifetime(rig) {}
      } catch {
        exit(0)
      }
      // The plan is released with the last of its users.
    }
    return try Self.read(folder)
  }

  private static func read(_ folder: TemporaryFolder) throws -> Report {
    let bytes = try #require(folder.read("report"))
    return bytes.withUnsafeBytes { bytes in
      let report = bytes.loadUnaligned(as: platform_crash_report.self)
      func text<Field>(_ field: KeyPath<platform_crash_report, Field>) -> String {
        withUnsafeBytes(of: report[keyPath: field]) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      }
      return Report(
        signal: report.signal, ranShort: report.ran_short != 0, plugin: text(\.plugin), function: text(\.function),
        call: text(\.call))
    }
  }
}
