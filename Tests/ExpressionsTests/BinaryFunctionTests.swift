import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

/// Every binary function over every pair of small values and nulls, in the shapes column-column, column-constant and
/// constant-column, at offsets that are not a multiple of anything.
struct BinaryFunctionTests {
  /// All pairs of values and nulls for which the function has a result, and for the others the pair alone.
  private func pairs(_ function: String, _ type: DataType) -> (good: [(Literal?, Literal?)], bad: [(Literal, Literal)])
  {
    let values: [Literal?] = SmallCases.values(type) + [nil]
    var good: [(Literal?, Literal?)] = []
    var bad: [(Literal, Literal)] = []
    for x in values {
      for y in values {
        if let x, let y, (try? Reference.strict(function, [x, y])) == nil {
          bad.append((x, y))
        } else {
          good.append((x, y))
        }
      }
    }
    return (good, bad)
  }

  private func expected(_ function: String, _ pairs: [(Literal?, Literal?)]) throws -> [Literal?] {
    try pairs.map { x, y in
      guard let x, let y else { return nil }
      return try Reference.strict(function, [x, y])
    }
  }

  private func check(_ function: String, _ type: DataType) throws {
    let (good, bad) = pairs(function, type)
    let wanted = try expected(function, good)
    for junk in [0, 1, 13, 64] {
      let columns = [
        Column.of(type, good.map(\.0), junk: junk), Column.of(type, good.map(\.1), junk: junk == 0 ? 3 : junk / 2),
      ]
      let found = try evaluate(call(function, a, b), columns).rows
      #expect(same(found, wanted), "\(function) \(type) \(junk): \(found) instead of \(wanted)")
    }
    for value in SmallCases.values(type) {
      let onRight = good.filter { same($0.1, value) }
      let right = try evaluate(
        call(function, a, .literal(value)), [Column.of(type, onRight.map(\.0), junk: 5)]
      ).rows
      #expect(same(right, try expected(function, onRight)), "\(function) with \(value) on the right: \(right)")
      let onLeft = good.filter { same($0.0, value) }
      let left = try evaluate(
        call(function, .literal(value), a), [Column.of(type, onLeft.map(\.1), junk: 5)]
      ).rows
      #expect(same(left, try expected(function, onLeft)), "\(function) with \(value) on the left: \(left)")
    }
    for (x, y) in bad { try checkFailure(function, type, x, y) }
  }

  /// The pair stops the job in each shape, but not when its row is null, or not selected.
  private func checkFailure(_ function: String, _ type: DataType, _ x: Literal, _ y: Literal) throws {
    let one: Literal = type == .int32 ? .int32(1) : .int64(1)
    let (left, right) = (Column.of(type, [one, x, one], junk: 3), Column.of(type, [one, y, one], junk: 2))
    let sentence = Self.sentence(function, type, x, y)
    #expect(message { _ = try evaluate(call(function, a, b), [left, right]) } == sentence)
    #expect(message { _ = try evaluate(call(function, a, .literal(y)), [left.slice(1..<2)]) } == sentence)
    #expect(message { _ = try evaluate(call(function, .literal(x), a), [right.slice(1..<2)]) } == sentence)
    #expect(message { _ = try evaluate(call(function, .literal(x), .literal(y)), [left]) } == sentence)
    #expect(try evaluate(call(function, .literal(x), .literal(y)), [left.slice(0..<0)]).length == 0)

    let rows = Selection([0, 2])
    let selected = try evaluate(call(function, a, b), [left, right], selection: rows)
    #expect(
      selected.rows == [try Reference.strict(function, [one, one]), try Reference.strict(function, [one, one])])

    var hidden = left
    hidden.validity = Column.of(.bool, [.bool(true), .bool(false), .bool(true)], junk: 3).buffers[0]
    #expect(try evaluate(call(function, a, b), [hidden, right]).rows[1] == nil, "\(function) \(x) \(y) under a null")
  }

  static func sentence(_ function: String, _ type: DataType, _ x: Literal, _ y: Literal) -> String {
    let symbol = ["add": "+", "subtract": "-", "multiply": "*", "divide": "/", "modulo": "%"][function]!
    let formula = "\(text(x)) \(symbol) \(text(y))"
    if text(y) == "0" {
      return
        "\(function): \(formula) has no result; keep such rows out with a filter or a case, or divide as float64"
    }
    return
      "\(function): \(formula) does not fit \(type); cast to \(type == .int32 ? "int64" : "float64") first, "
      + "or keep such rows out with a filter or a case"
  }

  private static func text(_ literal: Literal) -> String {
    switch literal {
    case .int32(let value): "\(value)"
    case .int64(let value): "\(value)"
    default: "\(literal)"
    }
  }

  @Test(
    "arithmetic gives every result, and stops for what has none",
    arguments: SmallCases.arithmetic, [DataType.int32, .int64, .float64])
  func arithmetic(_ function: String, _ type: DataType) throws { try check(function, type) }

  @Test("comparisons of every type", arguments: SmallCases.comparisons, SmallCases.types)
  func comparisons(_ function: String, _ type: DataType) throws { try check(function, type) }

  @Test("some integer operations have no result, so the cases above hold failures")
  func failuresExist() {
    for type in [DataType.int32, .int64] {
      for function in SmallCases.arithmetic { #expect(!pairs(function, type).bad.isEmpty) }
    }
  }

  @Test("Kleene's logic over true, false and null", arguments: ["and", "or"])
  func logic(_ function: String) throws {
    let values: [Literal?] = [.bool(true), .bool(false), nil]
    let pairs = values.flatMap { x in values.map { (x, $0) } }
    // More than one word of rows.
    let many = (0..<20).flatMap { _ in pairs }
    let wanted = try many.map { try Reference(row: [$0.0, $0.1]).value(call(function, a, b)) }
    for junk in [0, 1, 7, 64] {
      let columns = [Column.of(.bool, many.map(\.0), junk: junk), Column.of(.bool, many.map(\.1), junk: 2 * junk)]
      #expect(try evaluate(call(function, a, b), columns).rows == wanted, "offset \(junk)")
    }
    for (x, y) in pairs {
      let (left, right) = (x ?? .null(.bool), y ?? .null(.bool))
      let expected = try Reference(row: []).value(call(function, .literal(left), .literal(right)))
      let column = Column.of(.bool, [x, x])
      #expect(try evaluate(call(function, a, .literal(right)), [column]).rows == [expected, expected])
      #expect(try evaluate(call(function, .literal(left), .literal(right)), [column]).rows == [expected, expected])
    }
  }

  @Test("timestamps of different units are compared in the finer one")
  func timestampUnits() throws {
    let seconds = Column.of(
      .timestamp(.second), [.timestamp(1, .second, timezone: nil), .timestamp(2, .second, timezone: nil), nil])
    let micros = Column.of(
      .timestamp, [1_000_000, 2_000_001, 5].map { .timestamp($0, .microsecond, timezone: nil) })
    #expect(try evaluate(call("equal", a, b), [seconds, micros]).rows == [.bool(true), .bool(false), nil])
    #expect(try evaluate(call("less_than", a, b), [seconds, micros]).rows == [.bool(false), .bool(true), nil])
    let far = Column.of(.timestamp(.second), [.timestamp(1 << 60, .second, timezone: nil)])
    #expect(
      message { _ = try evaluate(call("equal", a, b), [far, micros.slice(0..<1)]) }
        == "cast: +36534630048-05-13T13:56:16 does not fit timestamp[us]; keep such rows out with a filter or a case")
  }

  @Test("different numeric types meet")
  func promotion() throws {
    let small = Column.of(.int32, [.int32(2), .int32(.max), nil])
    let big = Column.of(.int64, [.int64(3), .int64(1), .int64(1)])
    let float = Column.of(.float64, [.float64(0.5), nil, .float64(1)])
    #expect(try evaluate(call("add", a, b), [small, big]).rows == [.int64(5), .int64(2_147_483_648), nil])
    #expect(try evaluate(call("multiply", a, b), [small, float]).rows == [.float64(1), nil, nil])
    #expect(try evaluate(call("greater_than", a, b), [big, float]).rows == [.bool(true), nil, .bool(false)])
  }
}
