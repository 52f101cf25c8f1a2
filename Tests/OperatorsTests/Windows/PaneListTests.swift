import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

@testable import Operators

@Suite("Lists of panes")
struct PaneListTests {
  private struct Weak { weak var pane: Pane? }

  @Test("a pane that was taken out is freed at once, whatever comes after it")
  func freed() throws {
    let pool = PanePool(
      keyTypes: [.int64], aggregates: try AggregateSet([], input: Schema([]), functions: NoScalarFunctions()))
    var list = PaneList()
    var panes: [Weak] = []
    for number in 0..<100 as Range<Int64> {
      let pane = pool.take(WindowSpan(start: number * 10, end: number * 10 + 10))
      list.insert(pane)
      panes.append(Weak(pane: pane))
    }
    for number in 0..<100 {
      let span = WindowSpan(start: Int64(number) * 10, end: Int64(number) * 10 + 10)
      let isOther = list.popFirst { $0.span.start >= span.end } != nil
      let isFirst = list.popFirst { $0.span == span } != nil
      #expect(!isOther && isFirst)
      #expect(panes.map { $0.pane == nil ? 0 : 1 }.reduce(0, +) == 99 - number)
      #expect(list[span] == nil)
      #expect(list.first?.span.start == (number < 99 ? span.end : nil))
    }
    #expect(list.isEmpty && list.byteCount == 0)
  }

  @Test("panes come in their order, in whichever they were put in, also between those that are taken out")
  func order() throws {
    let pool = PanePool(
      keyTypes: [.int64], aggregates: try AggregateSet([], input: Schema([]), functions: NoScalarFunctions()))
    var list = PaneList()
    func insert(_ numbers: [Int64]) {
      for number in numbers { list.insert(pool.take(WindowSpan(start: number, end: number + 1))) }
    }
    func pop(_ count: Int) -> [Int64] { (0..<count).compactMap { _ in list.popFirst { _ in true }?.span.start } }
    insert([5, 9, 1, 7, 3])
    #expect(pop(2) == [1, 3])
    insert([4, 8, 2, 10])
    #expect(list[WindowSpan(start: 7, end: 8)]?.span.start == 7)
    #expect(list[WindowSpan(start: 7, end: 9)] == nil)
    #expect(pop(4) == [2, 4, 5, 7])
    insert([6, 0])
    #expect(pop(6) == [0, 6, 8, 9, 10])
    #expect(list.isEmpty)
  }
}
