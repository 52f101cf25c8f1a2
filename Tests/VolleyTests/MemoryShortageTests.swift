import CPlatform
import Glibc
import TestSupport
import Testing

@testable import Volley

/// What the host's crash report says of a process that is refused memory in a plugin.
@Suite("Memory that is not to be had")
struct MemoryShortageTests {
  @Test("is a shortage and not a fault of the plugin, for a column")
  func column() async throws {
    let folder = TemporaryFolder()
    let shared = folder.write("report", [UInt8](repeating: 0, count: MemoryLayout<platform_crash_report>.size))
    let ended = await #expect(processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]) {
      [shared = shared as String] in
      guard platform_install_crash_handlers(open(shared, O_RDWR)) == 0 else { exit(0) }
      var limit = rlimit(rlim_cur: 1 << 38, rlim_max: 1 << 38)
      guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { exit(0) }
      _ = Volley.Memory.allocate(1 << 40)
    }
    let errors = String(decoding: try #require(ended).standardErrorContent, as: UTF8.self)
    #expect(errors.hasSuffix("out of memory: 1099511627776 bytes for a column could not be had\n"))
    try Self.expectShortage(folder)
  }

  @Test("is the same for an array of the Swift runtime")
  func array() async throws {
    let folder = TemporaryFolder()
    let shared = folder.write("report", [UInt8](repeating: 0, count: MemoryLayout<platform_crash_report>.size))
    await #expect(processExitsWith: .failure) { [shared = shared as String] in
      guard platform_install_crash_handlers(open(shared, O_RDWR)) == 0 else { exit(0) }
      let array = [UInt8](repeating: 1, count: 1 << 47)
      exit(array[1 << 20] == 1 ? 0 : 1)
    }
    try Self.expectShortage(folder)
  }

  private static func expectShortage(_ folder: TemporaryFolder) throws {
    let bytes = try #require(folder.read("report"))
    let report = bytes.withUnsafeBytes { $0.loadUnaligned(as: platform_crash_report.self) }
    #expect(report.ready == PLATFORM_CRASH_WRITTEN)
    #expect(report.ran_short == 1)
    #expect(report.shortage.asked == 0)
    #expect(report.shortage.resident > 0 && report.shortage.resident < report.shortage.mapped)
  }
}
