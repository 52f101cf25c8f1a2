import Testing
import VolleyTesting

@Suite struct WordCountTests {
  struct Count: Codable {
    var word: String
    var count: Int
  }

  private func counts(_ lines: [String], _ change: (PipelineTest) -> PipelineTest = { $0 }) throws -> [String: Int] {
    let test = PipelineTest("word-count").feed("lines", rows: lines.map { ["line": .string($0)] })
    let rows = try change(test).run(collecting: "out").rows(at: "out", as: Count.self)
    // Each count replaces the one before it.
    return Dictionary(rows.map { ($0.word, $0.count) }) { $1 }
  }

  @Test("words are told apart by letters, digits and apostrophes within, without regard to case")
  func words() throws {
    let counts = try counts(["The cat's hat; the HAT!", "", "'quoted' don't 42", "naïve Straße"])
    #expect(
      counts == [
        "the": 2, "cat's": 1, "hat": 2, "quoted": 1, "don't": 1, "42": 1, "naïve": 1, "straße": 1,
      ])
  }

  @Test("short words can be left away")
  func shortest() throws {
    #expect(try counts(["a bc def"]) { $0.set("shortest", 2) } == ["bc": 1, "def": 1])
  }

  @Test("no lines make no words")
  func nothing() throws {
    #expect(try counts([]) == [:])
  }

  @Test("the counts do not depend on how many subtasks count")
  func parallelism() throws {
    let lines = (0..<1000).map { "w\($0 % 7) w\($0 % 11) x" }
    let alone = try counts(lines) { $0.flags("--parallelism", "1") }
    #expect(try counts(lines) { $0.flags("--parallelism", "4") } == alone)
    #expect(alone["x"] == 1000)
  }
}
