import Arrow
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Random columns through the kernels, pyarrow and DuckDB: the same values.
struct PeerTests {
  private func check(_ cases: [(Expression, String)], _ columns: [Column], _ generator: SeededGenerator) throws {
    let wanted = try Peer.evaluate(cases.map(\.1), columns)
    for ((expression, peer), values) in zip(cases, wanted) {
      let found = try evaluate(expression, columns).rows
      let different = zip(found, values).enumerated().first { !same($0.element.0, $0.element.1) }
      #expect(
        found.count == values.count && different == nil,
        "\(generator): \(peer) at \(different.map { "\($0.offset): \($0.element)" } ?? "a row too many or too few")")
    }
  }

  private func random(
    _ type: DataType, _ count: Int, _ generator: inout SeededGenerator,
    _ value: (inout SeededGenerator) -> Literal
  ) -> Column {
    let values = (0..<count).map { _ in Int.random(in: 0..<7, using: &generator) == 0 ? nil : value(&generator) }
    return .of(type, values, junk: Int.random(in: 0...70, using: &generator))
  }

  private static let comparisons: [(String, String)] = [
    ("equal", "equal"), ("not_equal", "not_equal"), ("less_than", "less"), ("less_than_or_equal", "less_equal"),
    ("greater_than", "greater"), ("greater_than_or_equal", "greater_equal"),
  ]

  @Test("integers compute as in pyarrow and DuckDB", arguments: [DataType.int32, .int64])
  func integers(_ type: DataType) throws {
    var generator = SeededGenerator()
    let columns = (0..<2).map { index in
      random(type, 2000, &generator) { generator in
        var value = Int64.random(in: -40_000...40_000, using: &generator)
        if index == 1, value == 0 { value = 1 }
        return type == .int32 ? .int32(Int32(value)) : .int64(value)
      }
    }
    let constant: Literal = type == .int32 ? .int32(-17) : .int64(-17)
    let arrow = type == .int32 ? "pa.scalar(-17, pa.int32())" : "pa.scalar(-17, pa.int64())"
    var cases: [(Expression, String)] = []
    for function in ["add", "subtract", "multiply", "divide"] {
      cases.append((call(function, a, b), "pc.\(function)_checked(a, b)"))
      cases.append((call(function, a, .literal(constant)), "pc.\(function)_checked(a, \(arrow))"))
      cases.append((call(function, .literal(constant), b), "pc.\(function)_checked(\(arrow), b)"))
    }
    for (function, peer) in Self.comparisons {
      cases.append((call(function, a, b), "pc.\(peer)(a, b)"))
      cases.append((call(function, a, .literal(constant)), "pc.\(peer)(a, \(arrow))"))
    }
    cases.append((call("modulo", a, b), "sql('select a % b from t order by row')"))
    cases.append((call("divide", a, b), "sql('select a // b from t order by row')"))
    cases.append((call("negate", a), "pc.negate_checked(a)"))
    cases.append((call("is_null", a), "pc.is_null(a)"))
    try check(cases, columns, generator)
  }

  @Test("float64s compute as in pyarrow, bit by bit, and compare as IEEE 754 says")
  func floats() throws {
    var generator = SeededGenerator()
    let columns = (0..<2).map { _ in
      random(.float64, 2000, &generator) { generator in
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: SmallCases.values(.float64).randomElement(using: &generator)!
        case 1: .float64(Double(bitPattern: generator.next()))
        default: .float64(.random(in: -1000...1000, using: &generator))
        }
      }
    }
    var cases: [(Expression, String)] = [(call("negate", a), "pc.negate(a)")]
    for function in ["add", "subtract", "multiply", "divide"] {
      cases.append((call(function, a, b), "pc.\(function)(a, b)"))
      cases.append((call(function, a, .float(0.1)), "pc.\(function)(a, 0.1)"))
      cases.append((call(function, .float(-0.0), b), "pc.\(function)(-0.0, b)"))
    }
    for (function, peer) in Self.comparisons {
      cases.append((call(function, a, b), "pc.\(peer)(a, b)"))
      cases.append((call(function, a, .float(.nan)), "pc.\(peer)(a, float('nan'))"))
      cases.append((call(function, .float(1), b), "pc.\(peer)(1.0, b)"))
    }
    try check(cases, columns, generator)
  }

  @Test("the remainder of float64s is DuckDB's")
  func floatModulo() throws {
    var generator = SeededGenerator()
    let columns = (0..<2).map { _ in
      random(.float64, 1000, &generator) { .float64(.random(in: -1000...1000, using: &$0)) }
    }
    try check([(call("modulo", a, b), "sql('select a % b from t order by row')")], columns, generator)
  }

  @Test("strings, bools and timestamps compare as in pyarrow", arguments: [DataType.utf8, .bool, .timestamp])
  func others(_ type: DataType) throws {
    var generator = SeededGenerator()
    let columns = (0..<2).map { _ in
      random(type, 1500, &generator) { SmallCases.values(type).randomElement(using: &$0)! }
    }
    let cases = Self.comparisons.map { (call($0.0, a, b), "pc.\($0.1)(a, b)") }
    try check(cases, columns, generator)
    let one = SmallCases.values(type).last!
    let oneColumn = Column.of(type, Array(repeating: one, count: columns[0].length))
    let constant = Self.comparisons.map { (call($0.0, a, .literal(one)), "pc.\($0.1)(a, c)") }
    try check(constant, columns + [oneColumn], generator)
  }

  @Test("logic is Kleene's, as in pyarrow and SQL")
  func logic() throws {
    var generator = SeededGenerator()
    let columns = (0..<2).map { _ in random(.bool, 1500, &generator) { .bool(.random(using: &$0)) } }
    try check(
      [
        (call("and", a, b), "pc.and_kleene(a, b)"), (call("or", a, b), "pc.or_kleene(a, b)"),
        (call("not", a), "pc.invert(a)"),
        (call("and", a, call("not", b)), "sql('select a and not b from t order by row')"),
        (call("or", a, call("is_null", b)), "sql('select a or b is null from t order by row')"),
        (call("is_not_null", a), "pc.is_valid(a)"),
      ], columns, generator)
  }

  @Test("a case is SQL's", arguments: [DataType.int32, .int64, .float64, .utf8, .bool, .timestamp])
  func cases(_ type: DataType) throws {
    var generator = SeededGenerator()
    let conditions = (0..<2).map { _ in random(.bool, 1500, &generator) { .bool(.random(using: &$0)) } }
    let values = (0..<2).map { _ in
      random(type, 1500, &generator) { SmallCases.values(type).randomElement(using: &$0)! }
    }
    let d = Expression.column("d")
    let first = Expression.Branch(condition: a, value: c)
    let second = Expression.Branch(condition: b, value: d)
    try check(
      [
        (.caseWhen([first], otherwise: d), "sql('select case when a then c else d end from t order by row')"),
        (
          .caseWhen([first, second], otherwise: nil),
          "sql('select case when a then c when b then d end from t order by row')"
        ),
        (
          .caseWhen([.init(condition: b, value: d), first], otherwise: .literal(SmallCases.values(type)[0])),
          "pc.if_else(pc.fill_null(b, False), d, pc.if_else(pc.fill_null(a, False), c, e))"
        ),
      ], conditions + values + [.of(type, Array(repeating: SmallCases.values(type)[0], count: 1500))], generator)
  }

  @Test("casts give pyarrow's values")
  func casts() throws {
    var generator = SeededGenerator()
    let columns = [
      random(.int32, 1000, &generator) { .int32(.random(in: .min ... .max, using: &$0)) },
      random(.int64, 1000, &generator) { .int64(.random(in: .min ... .max, using: &$0)) },
      random(.float64, 1000, &generator) { .float64(.random(in: -2e9...2e9, using: &$0)) },
      random(.bool, 1000, &generator) { .bool(.random(using: &$0)) },
      random(.timestamp, 1000, &generator) {
        .timestamp(.random(in: -4_000_000_000_000_000...4_000_000_000_000_000, using: &$0), .microsecond, timezone: nil)
      },
    ]
    let (d, e) = (Expression.column("d"), Expression.column("e"))
    try check(
      [
        (.cast(a, .int64), "a.cast('int64')"), (.cast(a, .float64), "a.cast('float64')"),
        (.cast(b, .float64), "pc.cast(b, 'float64', safe=False)"), (.cast(a, .bool), "a.cast('bool')"),
        (.cast(b, .bool), "b.cast('bool')"), (.cast(c, .bool), "c.cast('bool')"),
        (.cast(c, .int64), "pc.cast(c, 'int64', safe=False)"), (.cast(c, .int32), "pc.cast(c, 'int32', safe=False)"),
        (.cast(d, .int32), "d.cast('int32')"), (.cast(d, .int64), "d.cast('int64')"),
        (.cast(d, .float64), "d.cast('int32').cast('float64')"), (.cast(d, .utf8), "d.cast('string')"),
        (.cast(a, .utf8), "a.cast('string')"), (.cast(b, .utf8), "b.cast('string')"),
        (.cast(c, .utf8), "sql('select cast(c as varchar) from t order by row')"),
        (.cast(.cast(c, .utf8), .float64), "c"), (.cast(.cast(b, .utf8), .int64), "b"),
        (.cast(e, .int64), "e.cast('int64')"), (.cast(.cast(e, .int64), .timestamp), "e"),
        (.cast(b, .timestamp), "b.cast(pa.timestamp('us'))"),
        (.cast(e, .timestamp(.nanosecond)), "e.cast(pa.timestamp('ns'))"),
        (.cast(e, .timestamp(.second)), "pc.floor_temporal(e, unit='second').cast(pa.timestamp('s'))"),
        (.cast(e, .timestamp(.millisecond)), "pc.floor_temporal(e, unit='millisecond').cast(pa.timestamp('ms'))"),
        (.cast(e, .utf8), "pc.strftime(e, format='%Y-%m-%dT%H:%M:%S')"),
        (
          .cast(.cast(e, .timestamp(.second)), .utf8),
          "pc.strftime(pc.floor_temporal(e, unit='second').cast(pa.timestamp('s')), format='%Y-%m-%dT%H:%M:%S')"
        ),
        (.cast(.cast(e, .utf8), .timestamp), "e"),
      ], columns, generator)
  }

  @Test("decimal texts become the float64 that Python reads")
  func decimalTexts() throws {
    var generator = SeededGenerator()
    let column = random(.utf8, 3000, &generator) { generator in
      let digits = (0..<Int.random(in: 1...24, using: &generator)).map { _ in
        String(Int.random(in: 0...9, using: &generator))
      }.joined()
      let point = Int.random(in: 0...digits.count, using: &generator)
      var text = digits.prefix(point) + (Bool.random(using: &generator) ? "." : "") + digits.dropFirst(point)
      if Bool.random(using: &generator) { text += "e\(Int.random(in: -320...280, using: &generator))" }
      return .utf8((Bool.random(using: &generator) ? "-" : "") + text)
    }
    try check(
      [(.cast(a, .float64), "pa.array([None if v is None else float(v) for v in a.to_pylist()], pa.float64())")],
      [column], generator)
  }
}
