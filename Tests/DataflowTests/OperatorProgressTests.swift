import Arrow
import Base
import Testing

@testable import Dataflow

private func place(_ subtask: Int, of parallelism: Int) -> StagePlace {
  StagePlace(id: "late", subtask: subtask, parallelism: parallelism)
}

private func progress(_ told: Int64, _ given: Int64, ended: Bool = false) -> OperatorProgress {
  OperatorProgress(
    told: EventTime(microseconds: told), given: EventTime(microseconds: given), hasEnded: ended)
}

struct OperatorProgressTests {
  private let entries = [
    progress(5, 50).entry(of: place(0, of: 3)), progress(7, 40, ended: true).entry(of: place(1, of: 3)),
    progress(6, 60).entry(of: place(2, of: 3)),
  ]

  @Test("with the same parallelism a subtask has its own back, and each of its values")
  func own() throws {
    let all = [try RecordBatch.concatenate(Array(entries[0...1])), entries[2]]
    #expect(OperatorProgress(all, for: place(0, of: 3)) == progress(5, 50))
    #expect(OperatorProgress(all, for: place(1, of: 3)) == progress(7, 40, ended: true))
    #expect(OperatorProgress(all, for: place(2, of: 3)) == progress(6, 60))
  }

  @Test("with another it has the lowest of those that had not ended")
  func changed() {
    #expect(OperatorProgress(entries, for: place(0, of: 2)) == progress(5, 50))
    #expect(OperatorProgress(entries, for: place(3, of: 4)) == progress(5, 50))
    #expect(OperatorProgress([entries[1]], for: place(0, of: 2)) == progress(7, 40, ended: true))
    #expect(OperatorProgress([], for: place(0, of: 2)) == nil)
  }

  @Test("a subtask to which nothing was told yet holds the others at the start")
  func start() {
    let all = [entries[0], OperatorProgress().entry(of: place(3, of: 4))]
    #expect(OperatorProgress(all, for: place(0, of: 1)) == OperatorProgress())
  }
}
