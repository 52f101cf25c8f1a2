import TestSupport
import Testing

@testable import Host

@Suite("The first difference of two runs is found, in whatever order their rows came")
struct ReplayDifferenceTests {
  @Test("equal rows in another order are no difference")
  func same() {
    #expect(ReplayDifference(sink: "s", [], []) == nil)
    #expect(ReplayDifference(sink: "s", ["b", "a", "b"], ["b", "b", "a"]) == nil)
  }

  @Test("a row that comes more often is one")
  func counted() {
    let difference = ReplayDifference(sink: "s", ["a", "a"], ["a"])
    #expect(difference?.first == "a")
    #expect(difference?.second == nil)
    #expect(difference?.text == "the runs differ at sink 's':\n  first run:  a\n  second run: no row\n")
  }

  @Test("in the place of a row stands the one of the other run that begins most like it")
  func paired() {
    let difference = ReplayDifference(
      sink: "s", ["{\"k\":1,\"n\":5}", "{\"k\":9}"], ["{\"k\":0}", "{\"k\":1,\"n\":6}", "{\"k\":9}"])
    #expect(difference?.second == "{\"k\":0}")
    #expect(difference?.first == "{\"k\":1,\"n\":5}")
    let other = ReplayDifference(
      sink: "s", ["{\"k\":1,\"n\":5}"], ["{\"z\":0}", "{\"k\":1,\"n\":6}"])
    #expect(other?.first == "{\"k\":1,\"n\":5}")
    #expect(other?.second == "{\"k\":1,\"n\":6}")
  }

  @Test("random rows: there is a difference when, and only when, their multisets differ")
  func random() {
    var generator = SeededGenerator()
    for _ in 0..<2_000 {
      let make = {
        (0..<Int.random(in: 0...6, using: &generator)).map { _ in "\(Int.random(in: 0...3, using: &generator))" }
      }
      let (first, second) = (make(), make())
      let difference = ReplayDifference(sink: "s", first, second)
      #expect((difference == nil) == (first.sorted() == second.sorted()), "\(generator): \(first) \(second)")
      guard let difference else { continue }
      let count = { (rows: [String], row: String) in rows.count { $0 == row } }
      if let row = difference.first { #expect(count(first, row) > count(second, row), "\(generator)") }
      if let row = difference.second { #expect(count(second, row) > count(first, row), "\(generator)") }
    }
  }
}
