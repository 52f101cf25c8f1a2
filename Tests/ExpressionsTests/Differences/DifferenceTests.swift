import Arrow
import ArrowTestSupport
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Every row of `Differences.md` is what both sides do, and every difference pinned here has its row.
@Suite("differences from pyarrow", .serialized)
struct DifferenceTests {
  /// A row's name, what Volley computes of its columns, and what pyarrow or DuckDB does.
  struct Case {
    enum Computed {
      case expression(Expression)
      /// Of the first column, as one group.
      case aggregate(String)
    }

    var name: String
    var computed: Computed
    var columns: [Column]
    var python: String

    init(name: String, expression: Expression, columns: [Column], python: String) {
      (self.name, self.columns, self.python) = (name, columns, python)
      computed = .expression(expression)
    }

    init(name: String, aggregate: String, of column: Column, python: String) {
      (self.name, columns, self.python) = (name, [column], python)
      computed = .aggregate(aggregate)
    }
  }

  static func one(_ values: Literal...) -> [Column] { values.map { Column.of($0.type, [$0]) } }

  static let cases = numbers + casts + texts + lists + times + timeCasts + aggregates

  /// Type and value, or that there is none.
  private func volley(_ this: Case) -> String {
    do {
      let column: Column
      switch this.computed {
      case .expression(let expression):
        let batch = RecordBatch.of(this.columns)
        guard let bound = try? BoundExpression(expression, schema: batch.schema, functions: NoScalarFunctions()) else {
          return "refused"
        }
        column = try bound.evaluate(batch)
      case .aggregate(let name):
        guard let signature = try? AggregateSignature(name, argument: this.columns[0].type) else { return "refused" }
        let slots = [UInt32](repeating: 0, count: this.columns[0].length)
        var generator = SeededGenerator()
        column = try AggregateRun(
          signature: signature, slots: slots, argument: this.columns[0], by: nil, condition: nil, groups: 1
        ).direct(&generator)
      }
      let text = column.text(at: 0)
      return "\(column.type) \(text.isEmpty ? "''" : text)"
    } catch { return "stops" }
  }

  private func peer(_ this: Case) throws -> String {
    let answer = try PyArrow.columns(
      this.columns, prelude: PeerPrelude.text,
      """
      try: result = \(this.python)
      except pa.ArrowException: return [pa.array(['error'])]
      if isinstance(result, pa.Scalar): result = pa.array([result.as_py()], result.type)
      if not len(result): return [pa.array(['no row'])]
      value = result.to_pylist()[0]
      value = 'null' if value is None else str(value).lower() if isinstance(value, bool) else value if value != '' else "''"
      return [pa.array([f'{result.type} {value}'])]
      """)[0]
    return answer.text(at: 0)
  }

  /// One name for types that both sides have, and one word for no result.
  private static func plain(_ result: String) -> String {
    if ["stops", "refused", "error"].contains(result) { return "none" }
    let names = [
      "string": "utf8", "double": "float64", "float": "float32", "halffloat": "float16", "date32[day]": "date32",
    ]
    guard let space = result.firstIndex(of: " ") else { return result }
    return (names[String(result[..<space])] ?? String(result[..<space])) + result[space...]
  }

  @Test("the table tells what both sides do")
  func table() throws {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    let text = String(decoding: try #require(TestProcess.contents(of: "/\(folder)/Differences.md")), as: UTF8.self)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
      line.split(separator: "|").map { cell in String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
    }.filter { $0.count == 4 && $0[0] != "what" }
    for this in Self.cases {
      let row = rows.first { $0[0] == this.name }
      let (ours, theirs) = (volley(this), try peer(this))
      #expect(Self.plain(ours) != Self.plain(theirs), "\(this.name) is no difference: \(ours)")
      #expect(row?[1] == ours && row?[2] == theirs, "the table lacks: | \(this.name) | \(ours) | \(theirs) | … |")
    }
    for row in rows { #expect(Self.cases.contains { $0.name == row[0] }, "nothing pins: \(row[0])") }
  }
}
