import Glibc
import TestSupport
import Testing

/// What the stage types promise: a pipeline that makes no sense does not compile.
@Suite("The compiler refuses")
struct CompileTests {
  private static let root = "\(#filePath)".split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

  /// What the compiler says about the body of `build`; nil when it has nothing to say.
  private func verdict(_ body: String) -> String? {
    let folder = TemporaryFolder()
    let file = folder.write(
      "Example.swift",
      """
      import Volley
      struct Row: Codable { var a: Int }
      struct Example: Pipeline {
        func build(_ env: StreamExecutionEnvironment) {
          let rows = env.fromSource(.jsonLines("x", schema: ["a": .int64]), uid: "in")
          \(body)
        }
      }
      @c(volley_plugin_root) public func root() -> UnsafePointer<volley_plugin> { export(Example.self) }
      """)
    guard let program = realpath("/proc/self/exe", nil) else { return "this program cannot tell its own path" }
    defer { free(program) }
    let modules = String(cString: program).split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    let outcome = TestProcess.run([
      "swiftc", "-typecheck", "-swift-version", "6", "-warnings-as-errors", "-I", modules + "/Modules", "-Xcc",
      "-fmodule-map-file=\(Self.root)/sdk/Sources/CVolley/include/module.modulemap", file,
    ])
    return outcome.status == 0 ? nil : outcome.errors
  }

  @Test("nothing of a pipeline that is right")
  func right() {
    #expect(verdict(#"rows.keyBy("a").aggregate(count(), uid: "n").toSink(.console, uid: "out")"#) == nil)
  }

  @Test(
    "a pipeline that is not",
    arguments: [
      (#"rows.aggregate(count(), uid: "n").toSink(.console, uid: "out")"#, "has no member 'aggregate'"),
      (#"rows.keyBy("a").toSink(.console, uid: "out")"#, "has no member 'toSink'"),
      (#"rows.keyBy("a").filter(col("a") > 0)"#, "has no member 'filter'"),
      (#"rows.filter(col("a") > 0)"#, "is unused"),
      (#"rows.toSink(.console)"#, "missing argument for parameter 'uid'"),
      (#"rows.keyBy("a").aggregate(count()).toSink(.console, uid: "out")"#, "missing argument for parameter 'uid'"),
      (
        #"env.fromSource(.jsonLines("x", schema: ["a": .int64])).toSink(.console, uid: "out")"#,
        "missing argument for parameter 'uid'"
      ),
      (#"rows.filter(col("a")).toSink(.console, uid: "out").toSink(.console, uid: "more")"#, "has no member 'toSink'"),
      (#"var n = 0; rows.map { (row: Row) in n += 1; return row }.toSink(.console, uid: "out")"#, "concurrently"),
    ])
  func wrong(body: String, reason: String) {
    let verdict = verdict(body)
    #expect(verdict?.contains(reason) == true, "\(verdict ?? "it compiled")")
  }
}
