import Arrow
import Testing
import VolleyPlan

@testable import Expressions

/// What a column of texts cannot hold is refused before memory is taken for it, whichever function asks.
struct GiganticTextTests {
  private static let texts = Column.of(.utf8, [.utf8("a"), .utf8("é"), nil])
  private static let mebibyte = String(repeating: "x", count: 1 << 20)

  private func refusal(_ expression: Expression, _ columns: [Column] = [texts]) -> String {
    message { _ = try evaluate(expression, columns) } ?? "was not refused"
  }

  @Test("so many repetitions, or so wide a padding", arguments: ["repeat", "lpad", "rpad"])
  func counts(_ name: String) throws {
    for count in [Int64(1) << 31, 1 << 40, 1 << 62, .max - 1, .max] {
      #expect(refusal(call(name, a, .int(count))).contains("\(name): the texts of one batch take more than 2147483647"))
    }
    for count in [0, -1, Int64.min] { _ = try evaluate(call(name, a, .int(count)), [Self.texts]) }
    // Nothing takes no room, however often.
    let empty = Column.of(.utf8, [.utf8("")])
    #expect(try evaluate(call("repeat", a, .int(.max)), [empty]).rows == [.utf8("")])
    #expect(try evaluate(call("lpad", a, .int(.max), .text("")), [empty]).rows == [.utf8("")])
  }

  @Test("one row of many long texts, side by side")
  func concatenation() {
    let column = Column.of(.utf8, [.utf8(Self.mebibyte)])
    let found = refusal(.call("concat", [Expression](repeating: a, count: 2048)), [column])
    #expect(found.contains("concat: the texts of one batch take more than 2147483647"), "\(found)")
  }

  @Test("a long constant in every row")
  func constants() {
    let numbers = Column.of(.int64, (0..<2048).map { .int64($0) })
    let constant = Expression.text(Self.mebibyte)
    let expressions = [
      constant, call("substring", constant, a), call("substring", constant, a, .int(2)), call("left", constant, a),
      call("right", constant, a), call("split_part", constant, .text(","), a),
    ]
    for expression in expressions {
      let found = refusal(expression, [numbers])
      #expect(found.contains("a constant of 1048576 bytes is more than 2048 rows"), "\(found)")
    }
  }
}
