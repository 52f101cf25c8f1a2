import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// A plugin's plan may say anything; a constant that is none is refused, because its column could not be made.
@Suite("Constants of a plan")
struct LiteralRuleTests {
  @Test("of every type are taken when they are values of it", arguments: RandomColumns.types)
  func taken(type: DataType) {
    var generator = SeededGenerator()
    for literal in RandomColumns.values(type, 50, nulls: 5, &generator) {
      #expect(LiteralRules.objection(to: literal) == nil, "\(literal), \(generator)")
      #expect(Column.constant(literal, count: 2).length == 2)
    }
  }

  static let refused: [(Literal, String)] = [
    (.integer(128, .int8), "128 is no value of int8"), (.integer(-1, .uint64), "-1 is no value of uint64"),
    (.integer(1 << 64, .uint64), "18446744073709551616 is no value of uint64"),
    (.integer(1 << 31, .date32), "2147483648 is no value of date32"),
    (.integer(100, .decimal128(precision: 2, scale: 1)), "100 is no value of decimal128(2, 1)"),
    (.integer(1, .utf8), "a value of utf8 is not one integer"),
    (.float(1, .int64), "a value of int64 is not given as a float"),
    (.string("", .int8), "a value of int8 is not a text"), (.binary([1], .int8), "a value of int8 is not bytes"),
    (.binary([1], .fixedSizeBinary(2)), "1 bytes are no value of fixed_size_binary[2]"),
    (.nested([], .int8), "a value of int8 has no items"),
    (.nested([.int64(1)], .list(of: .int32)), "a int64 stands in list<item: int32> where a int32 is expected"),
    (.nested([.integer(300, .uint8)], .list(of: .uint8)), "300 is no value of uint8"),
    (.nested([], .struct([Field("a", .int8)])), "0 fields are no value of struct<a: int8>"),
    (
      .nested([.int32(1)], .fixedSizeList(Field("item", .int32), size: 2)),
      "1 items are no value of fixed_size_list<item: int32>[2]"
    ), (.nested([.int32(1)], .map(.int32, to: .int32)), "an entry of map<int32, int32> is a key and a value"),
    (
      .nested(
        [.nested([.null(.int32), .int32(1)], .struct([Field("key", .int32), Field("value", .int32)]))],
        .map(.int32, to: .int32)), "a key of map<int32, int32> is null"
    ),
    (
      .interval(months: 1, days: 0, nanoseconds: 0, .dayTime),
      "a value of interval[day_time] has days and 32 bits of whole milliseconds only"
    ), (.interval(months: 0, days: 1, nanoseconds: 0, .yearMonth), "a value of interval[year_month] has months only"),
  ]

  @Test("are refused when they are no values of their type", arguments: refused)
  func refusals(literal: Literal, objection: String) {
    #expect(
      throws: Failure(.usage, "a constant of \(literal.type) in the plan is none: \(objection)")
    ) { try Expression.literal(literal).resolvedType(in: Schema([])) }
  }
}
