import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

struct CastTests {
  private func cast(_ value: Literal, _ target: DataType) throws -> Literal? {
    let column = Column.of(value.type, [nil, value], junk: 3)
    let rows = try evaluate(.cast(a, target), [column]).rows
    #expect(rows[0] == nil)
    let folded = try evaluate(.cast(.literal(value), target), [column]).rows[0]
    #expect(same(folded, rows[1]), "a literal is cast as a column is")
    return rows[1]
  }

  /// Casting the value fails with the sentence, but not in a row that is null or not selected.
  private func refuses(_ value: Literal, _ target: DataType, _ sentence: String) throws {
    let column = Column.of(value.type, [nil, value], junk: 1)
    let text = message { _ = try evaluate(.cast(a, target), [column]) }
    #expect(text == sentence)
    #expect(try evaluate(.cast(a, target), [column], selection: Selection([0])).rows == [nil])
    var hidden = column
    hidden.validity = Column.of(.bool, [.bool(false), .bool(false)], junk: 1).buffers[0]
    #expect(try evaluate(.cast(a, target), [hidden]).rows == [nil, nil])
  }

  @Test("numbers become other numbers when they fit")
  func numbers() throws {
    #expect(try cast(.int64(.init(Int32.max)), .int32) == .int32(.max))
    #expect(try cast(.int64(.init(Int32.min)), .int32) == .int32(.min))
    #expect(try cast(.int64((1 << 53) + 1), .float64) == .float64(9_007_199_254_740_992))
    #expect(try cast(.float64(2.9), .int32) == .int32(2))
    #expect(try cast(.float64(-2.9), .int64) == .int64(-2))
    #expect(try cast(.float64(-0.5), .int64) == .int64(0))
    #expect(try cast(.float64(2_147_483_647.9), .int32) == .int32(.max))
    #expect(try cast(.float64(-2_147_483_648.9), .int32) == .int32(.min))
    #expect(try cast(.float64(-9_223_372_036_854_775_808), .int64) == .int64(.min))
    #expect(try cast(.float64(9_223_372_036_854_774_784), .int64) == .int64(9_223_372_036_854_774_784))
    let hint = "; keep such rows out with a filter or a case"
    try refuses(.int64(2_147_483_648), .int32, "cast: 2147483648 does not fit int32" + hint)
    try refuses(.int64(-2_147_483_649), .int32, "cast: -2147483649 does not fit int32" + hint)
    try refuses(.float64(2_147_483_648), .int32, "cast: 2147483648.0 does not fit int32" + hint)
    try refuses(.float64(-2_147_483_649), .int32, "cast: -2147483649.0 does not fit int32" + hint)
    try refuses(.float64(9_223_372_036_854_775_808), .int64, "cast: 9.223372036854776e+18 does not fit int64" + hint)
    try refuses(.float64(-9_223_372_036_854_777_856), .int64, "cast: -9.223372036854778e+18 does not fit int64" + hint)
    try refuses(.float64(.nan), .int64, "cast: nan does not fit int64" + hint)
    try refuses(.float64(-.infinity), .int32, "cast: -inf does not fit int32" + hint)
  }

  @Test("bool is 1 and 0, and a number is true unless it is 0")
  func bools() throws {
    #expect(try cast(.bool(true), .int32) == .int32(1))
    #expect(try cast(.bool(false), .int64) == .int64(0))
    #expect(try cast(.bool(true), .float64) == .float64(1))
    #expect(try cast(.int32(-3), .bool) == .bool(true))
    #expect(try cast(.int64(0), .bool) == .bool(false))
    #expect(try cast(.float64(-0.0), .bool) == .bool(false))
    #expect(try cast(.float64(.nan), .bool) == .bool(true))
    let many: [Literal?] = (0..<150).map { $0 % 7 == 0 ? nil : .bool($0 % 3 == 0) }
    let wanted: [Literal?] = many.map { $0.map { $0 == .bool(true) ? .int64(1) : .int64(0) } }
    #expect(try evaluate(.cast(a, .int64), [Column.of(.bool, many, junk: 5)]).rows == wanted)
  }

  @Test("values become text")
  func toText() throws {
    #expect(try cast(.bool(true), .utf8) == .utf8("true"))
    #expect(try cast(.bool(false), .utf8) == .utf8("false"))
    #expect(try cast(.int32(.min), .utf8) == .utf8("-2147483648"))
    for value in [
      Int64.min, -1000, -10, -9, 0, 9, 10, 99, 100, 999_999_999_999_999_999, 1_000_000_000_000_000_000, .max,
    ] {
      #expect(try cast(.int64(value), .utf8) == .utf8("\(value)"))
    }
    #expect(try cast(.float64(1.5), .utf8) == .utf8("1.5"))
    #expect(try cast(.float64(1e16), .utf8) == .utf8("1e+16"))
    #expect(try cast(.float64(-2.2250738585072014e-308), .utf8) == .utf8("-2.2250738585072014e-308"))
    #expect(try cast(.float64(-.infinity), .utf8) == .utf8("-inf"))
    #expect(try cast(.float64(-.nan), .utf8) == .utf8("nan"))
    #expect(try cast(.float64(-0.0), .utf8) == .utf8("-0.0"))
  }

  @Test("texts become numbers")
  func fromText() throws {
    #expect(try cast(.utf8("-9223372036854775808"), .int64) == .int64(.min))
    #expect(try cast(.utf8("9223372036854775807"), .int64) == .int64(.max))
    #expect(try cast(.utf8("+007"), .int32) == .int32(7))
    #expect(try cast(.utf8("-0"), .int32) == .int32(0))
    #expect(try cast(.utf8("-1.5"), .float64) == .float64(-1.5))
    #expect(try cast(.utf8("1."), .float64) == .float64(1))
    #expect(try cast(.utf8(".5"), .float64) == .float64(0.5))
    #expect(try cast(.utf8("+2E-3"), .float64) == .float64(0.002))
    #expect(try cast(.utf8("-0"), .float64).map { same($0, .float64(-0.0)) } == true)
    #expect(try cast(.utf8("123456789012345678901234567890"), .float64) == .float64(1.2345678901234568e29))
    #expect(try cast(.utf8("1e-400"), .float64) == .float64(0))
    #expect(try cast(.utf8("0e99999999999"), .float64) == .float64(0))
    #expect(try cast(.utf8("1.7976931348623157e308"), .float64) == .float64(.greatestFiniteMagnitude))
    #expect(try cast(.utf8("1e400"), .float64) == .float64(.infinity))
    #expect(try cast(.utf8("-1e99999999999"), .float64) == .float64(-.infinity))
    #expect(try cast(.utf8("Infinity"), .float64) == .float64(.infinity))
    #expect(try cast(.utf8("-inf"), .float64) == .float64(-.infinity))
    #expect(same(try cast(.utf8("NaN"), .float64), .float64(.nan)))
    #expect(try cast(.utf8("true"), .bool) == .bool(true))
    #expect(try cast(.utf8("FALSE"), .bool) == .bool(false))
    #expect(try cast(.utf8("1"), .bool) == .bool(true))
    #expect(try cast(.utf8("0"), .bool) == .bool(false))
  }

  @Test("texts that are no numbers are refused by their text")
  func badText() throws {
    let end = "; correct such rows or keep them out with a filter or a case"
    for text in [
      "", "-", "+", " 1", "1 ", "1.0", "0x1", "१", "1_000", "9223372036854775808", "-9223372036854775809", "--1",
    ] {
      try refuses(
        .utf8(text), .int64, "cast: '\(text)' is no int64, which is written as digits with an optional sign" + end)
    }
    try refuses(
      .utf8("2147483648"), .int32,
      "cast: '2147483648' is no int32, which is written as digits with an optional sign" + end)
    for text in [
      "", "-", ".", "e5", "1e", "1e+", "1.2.3", " 1", "1 ", "0x1p3", "infinit", "nanx", "1f",
    ] {
      try refuses(
        .utf8(text), .float64,
        "cast: '\(text)' is no float64, which is written as a decimal number such as -1.5 or 2e10, or inf, -inf, nan"
          + end)
    }
    for text in ["", "t", "yes", "2", "01", "true ", "\u{54}\u{52}\u{55}E1"] {
      try refuses(.utf8(text), .bool, "cast: '\(text)' is no bool, which is written as true or false, 1 or 0" + end)
    }
    let long = String(repeating: "x", count: 100)
    try refuses(
      .utf8(long), .int32,
      "cast: '\(String(repeating: "x", count: 60))…' (100 bytes) is no int32, "
        + "which is written as digits with an optional sign"
        + end)
    try refuses(
      .utf8("a\nb"), .int32, "cast: 'a\u{FFFD}b' is no int32, which is written as digits with an optional sign" + end)
  }
}
