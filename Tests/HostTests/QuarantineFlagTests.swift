import Base
import Testing

@testable import Host

@Suite struct QuarantineFlagTests {
  private func choice(_ arguments: String..., environment: [String: String] = [:]) throws -> QuarantineChoice? {
    try RunOptions(["--plugin", "p.so"] + arguments, environment: environment).quarantine
  }

  @Test("without a folder no record is set aside, and with one the limit has its default")
  func defaults() throws {
    #expect(try choice() == nil)
    let made = try #require(try choice("--quarantine", "bad/"))
    #expect(made.directory == "bad")
    #expect(made.limit == 100)
    let other = try #require(
      try choice(environment: ["VOLLEY_QUARANTINE": "v", "VOLLEY_QUARANTINE_LIMIT": "7"]))
    #expect(other.directory == "v" && other.limit == 7)
  }

  @Test(
    "what cannot be meant is refused in a sentence",
    arguments: [
      (
        ["--quarantine-limit", "4"],
        "--quarantine-limit (or VOLLEY_QUARANTINE_LIMIT) means nothing to a run that sets no records aside: add --quarantine, or "
          + "leave it out"
      ),
      (
        ["--quarantine", "q", "--quarantine-limit", "0"],
        "--quarantine-limit is '0', expected a whole number from 1 to 1000000"
      ),
    ])
  func refused(arguments: [String], sentence: String) {
    let failure = #expect(throws: Failure.self) {
      try RunOptions(["--plugin", "p.so"] + arguments, environment: [:])
    }
    #expect(failure?.message == sentence)
    #expect(failure?.kind == .usage)
  }
}
