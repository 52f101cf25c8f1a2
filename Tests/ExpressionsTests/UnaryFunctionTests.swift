import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

struct UnaryFunctionTests {
  @Test("negate gives every result, and stops for the least integer", arguments: [DataType.int32, .int64, .float64])
  func negate(_ type: DataType) throws {
    let values = SmallCases.values(type).filter { (try? Reference.strict("negate", [$0])) != nil } + [nil]
    let wanted = try values.map { try $0.map { try Reference.strict("negate", [$0]) } }
    for junk in [0, 1, 9] {
      #expect(same(try evaluate(call("negate", a), [Column.of(type, values, junk: junk)]).rows, wanted))
    }
  }

  @Test("the least integer has no negative")
  func least() throws {
    let sentence =
      "negate: -(-9223372036854775808) does not fit int64; cast to float64 first, "
      + "or keep such rows out with a filter or a case"
    let column = Column.of(.int64, [.int64(1), .int64(.min)], junk: 1)
    #expect(message { _ = try evaluate(call("negate", a), [column]) } == sentence)
    #expect(message { _ = try evaluate(call("negate", .int(.min)), [column]) } == sentence)
    #expect(try evaluate(call("negate", a), [column], selection: Selection([0])).rows == [.int64(-1)])
    var hidden = column
    hidden.validity = Column.of(.bool, [.bool(true), .bool(false)], junk: 1).buffers[0]
    #expect(try evaluate(call("negate", a), [hidden]).rows == [.int64(-1), nil])
  }

  @Test("not turns true and false, and keeps null")
  func not() throws {
    let values: [Literal?] = (0..<50).flatMap { _ in [.bool(true), .bool(false), nil] }
    let wanted: [Literal?] = (0..<50).flatMap { _ in [.bool(false), .bool(true), nil] }
    for junk in [0, 1, 63] {
      #expect(try evaluate(call("not", a), [Column.of(.bool, values, junk: junk)]).rows == wanted)
    }
  }

  @Test("null tests of every type", arguments: SmallCases.types)
  func nullTests(_ type: DataType) throws {
    let value = SmallCases.values(type)[0]
    let values: [Literal?] = (0..<70).map { $0 % 3 == 0 ? nil : value }
    let nulls: [Literal?] = values.map { .bool($0 == nil) }
    let others: [Literal?] = values.map { .bool($0 != nil) }
    for junk in [0, 1, 11] {
      let column = Column.of(type, values, junk: junk)
      #expect(try evaluate(call("is_null", a), [column]).rows == nulls)
      #expect(try evaluate(call("is_not_null", a), [column]).rows == others)
    }
    let full = Column.of(type, [value, value])
    #expect(try evaluate(call("is_null", a), [full]).rows == [.bool(false), .bool(false)])
    #expect(try evaluate(call("is_not_null", a), [full]).rows == [.bool(true), .bool(true)])
    #expect(try evaluate(call("is_null", .literal(.null(type))), [full]).rows == [.bool(true), .bool(true)])
  }

  @Test("a literal and a column stand for themselves", arguments: SmallCases.types)
  func leaves(_ type: DataType) throws {
    let values: [Literal?] = SmallCases.values(type) + [nil]
    let column = Column.of(type, values, junk: 3)
    #expect(same(try evaluate(a, [column]).rows, values))
    for value in SmallCases.values(type) + [.null(type)] {
      let found = try evaluate(.literal(value), [column.slice(0..<2)]).rows
      let wanted: Literal? = if case .null = value { nil } else { value }
      #expect(same(found, [wanted, wanted]))
    }
  }
}
