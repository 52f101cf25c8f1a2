import Base
import TestSupport
import Testing

@testable import PluginLoading

/// What a plugin needs beside itself.
struct LibraryTests {
  private func refusal(_ path: String) -> Failure? {
    do throws(Failure) {
      _ = try PluginFile.inspect(path)
      return nil
    } catch {
      return error
    }
  }

  /// A library of that name in `folder`, whose one function a plugin can need.
  private func library(_ name: String, in folder: TemporaryFolder, flags: [String] = []) throws {
    let source = folder.write("\(name).c", "int \(name)_function(void) { return 1; }\n")
    let outcome = TestProcess.run(
      ["cc", "-shared", "-fPIC", "-Wl,-soname,lib\(name).so", "-o", folder.file("lib\(name).so"), source] + flags)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func plugin(needing names: [String], in folder: TemporaryFolder, flags: [String] = []) throws -> String {
    let output = folder.file("libplugin.so")
    let outcome = TestProcess.run(
      ["cc", "-std=gnu11", "-shared", "-fPIC", "-I", "\(PluginSource.root)/sdk/Sources/CVolley/include", "-o", output]
        + ["\(PluginSource.root)/Tests/Museum/broken/broken.c", "-Wl,--no-as-needed", "-L", folder.path]
        + names.map { "-l\($0)" } + flags)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return output
  }

  @Test("libraries that are not there are named, all of them")
  func missing() throws {
    let folder = TemporaryFolder()
    try library("rabbit", in: folder)
    try library("hare", in: folder)
    let path = try plugin(needing: ["rabbit", "hare"], in: folder)
    #expect(
      refusal(path)?.message
        == "plugin '\(path)' needs the libraries 'librabbit.so', 'libhare.so', which this machine does not have; install what "
        + "brings it, or put it beside the plugin and link with -rpath '$ORIGIN'")
    #expect(refusal(path)?.kind == .plugin)
  }

  @Test("a library beside the plugin is found through $ORIGIN", arguments: ["$ORIGIN", "${ORIGIN}/.", "/none:$ORIGIN"])
  func origin(path searchPath: String) throws {
    for tags in ["--enable-new-dtags", "--disable-new-dtags"] {
      let folder = TemporaryFolder()
      try library("rabbit", in: folder)
      let path = try plugin(needing: ["rabbit"], in: folder, flags: ["-Wl,\(tags)", "-Wl,-rpath,\(searchPath)"])
      #expect(refusal(path) == nil)
    }
  }

  @Test("the machine's own libraries are found")
  func system() throws {
    let folder = TemporaryFolder()
    let path = try plugin(needing: ["m", "dl", "pthread", "stdc++"], in: folder)
    #expect(refusal(path) == nil)
  }

  @Test("without the shared Swift runtime the remedy is the self-contained release")
  func swiftRuntime() throws {
    let folder = TemporaryFolder()
    try library("swiftTimeMachine", in: folder)
    let path = try plugin(needing: ["swiftTimeMachine"], in: folder)
    #expect(
      refusal(path)?.message
        == "plugin '\(path)' needs the shared Swift runtime (libswiftTimeMachine.so), which this machine does not have; build the "
        + "self-contained release with ./build.sh in the plugin's package")
  }

  @Test("a second libswiftCore.so of another version is refused")
  func secondRuntime() throws {
    // The test's own process runs on the shared runtime, which stands for the first plugin's.
    let folder = TemporaryFolder()
    try library("swiftCore", in: folder, flags: ["-Wl,--build-id"])
    let path = try plugin(needing: ["swiftCore"], in: folder, flags: ["-Wl,-rpath,$ORIGIN"])
    let message = try #require(refusal(path)?.message)
    let lead =
      "plugin '\(path)' needs the shared Swift runtime '\(folder.path)/libswiftCore.so', but this process already holds another version, '"
    #expect(message.hasPrefix(lead), "\(message)")
    #expect(
      message.hasSuffix("/libswiftCore.so'; build the self-contained release with ./build.sh in the plugin's package"))
  }

  @Test("the loader's cache is read as ldconfig prints it")
  func cache() throws {
    let printed = TestProcess.run(["/sbin/ldconfig", "-p"])
    try #require(printed.status == 0, "\(printed.errors)")
    var count = 0
    for line in printed.output.split(separator: "\n").dropFirst() {
      let parts = line.split(separator: " ")
      guard parts.count >= 3, let path = parts.last, let name = parts.first, line.contains(" => ") else { continue }
      #expect(LibraryCache.shared.paths(of: name.trimmingTabs).contains(String(path)), "\(line)")
      count += 1
    }
    #expect(count > 10)
  }
}

extension Substring {
  fileprivate var trimmingTabs: String { String(drop { $0 == "\t" || $0 == " " }) }
}
