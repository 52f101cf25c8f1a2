import Testing
import VolleyPlan

@testable import Host

@Suite("The command line of a worker is changed as the supervisor wants it")
struct WorkerArgumentsTests {
  @Test("a flag goes in every form that it has, and its variable with it")
  func replaces() {
    var arguments = WorkerArguments(
      ["run", "--plugin", "a.so", "--from=epoch-3", "--from", "epoch-4", "--retain", "5"],
      environment: ["VOLLEY_PLUGIN": "b.so", "VOLLEY_RETAIN": "7", "HOME": "/root"])
    arguments.replace(CheckpointFlags.from.entry)
    #expect(arguments.words == ["run", "--plugin", "a.so", "--retain", "5"])
    arguments.replace(RunFlags.plugin.entry, by: ["c.so"])
    #expect(arguments.words == ["run", "--retain", "5", "--plugin", "c.so"])
    #expect(arguments.environment == ["VOLLEY_RETAIN": "7", "HOME": "/root"])
  }

  @Test("a flag that only begins like another stays, and so does a value that looks like it")
  func spares() {
    var arguments = WorkerArguments(
      ["run", "--connector-x", "1", "--set", "a=--connector", "--connector=y"], environment: [:])
    arguments.replace(RunFlags.connector.entry, by: ["p", "q"])
    #expect(
      arguments.words == [
        "run", "--connector-x", "1", "--set", "a=--connector", "--connector", "p", "--connector", "q",
      ])
  }

  @Test("parameters are those given, whatever the line and the environment said")
  func parameters() {
    var arguments = WorkerArguments(
      ["run", "--set", "a=1", "--set=b=2", "--plugin", "x"], environment: ["VOLLEY_SET_c": "3", "VOLLEY_THREADS": "2"])
    arguments.replaceParameters(by: .object([.init("a", .string("one = two")), .init("n", .int(7))]))
    #expect(arguments.words == ["run", "--plugin", "x", "--set", "a=one = two", "--set", "n=7"])
    #expect(arguments.environment == ["VOLLEY_THREADS": "2"])
    arguments.replaceParameters(by: .null)
    #expect(arguments.words == ["run", "--plugin", "x"])
  }
}
