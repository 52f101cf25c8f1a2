import VolleyPlan

extension DifferenceTests {
  static let numbers: [Case] = [
    Case(
      name: "int32 + float32", expression: call("add", a, b), columns: one(.int32(16_777_217), .float(0, .float32)),
      python: "pc.add(a, b)"),
    Case(
      name: "float16 + float16", expression: call("add", a, b),
      columns: one(.float(60000, .float16), .float(60000, .float16)),
      python: "pc.add(a, b)"),
    Case(
      name: "decimal128 of 38 digits + the same", expression: call("add", a, b),
      columns: one(
        .integer(1, .decimal128(precision: 38, scale: 0)), .integer(2, .decimal128(precision: 38, scale: 0))),
      python: "pc.add(a, b)"),
    Case(
      name: "int64 = uint64, above int64", expression: call("equal", a, b),
      columns: one(.int64(1), .integer(18_446_744_073_709_551_615, .uint64)), python: "pc.equal(a, b)"),
    Case(
      name: "negate of uint8", expression: call("negate", a), columns: one(.integer(5, .uint8)), python: "pc.negate(a)"),
    Case(
      name: "add of integers that overflow", expression: call("add", a, b), columns: one(.int32(.max), .int32(1)),
      python: "pc.add(a, b)"),
    Case(
      name: "abs of the least integer", expression: call("abs", a), columns: one(.integer(-128, .int8)),
      python: "pc.abs(a)"),
    Case(
      name: "shift by as many bits as there are", expression: call("shift_left", a, b),
      columns: one(.int32(1), .int32(32)),
      python: "pc.shift_left(a, b)"),
    Case(
      name: "shift of int8 by 7 bits", expression: call("shift_right", a, b),
      columns: one(.integer(-128, .int8), .integer(7, .int8)), python: "pc.shift_right_checked(a, b)"),
    Case(
      name: "logarithm of 0 to the base 0.5", expression: call("log", a, b), columns: one(.float64(0), .float64(0.5)),
      python: "pc.logb(a, b)"),
    Case(
      name: "round of 1e308 to one digit", expression: call("round", a, .int(1)), columns: one(.float64(1e308)),
      python: "pc.round(a, ndigits=1)"),
    Case(name: "round of 2.5", expression: call("round", a), columns: one(.float64(2.5)), python: "pc.round(a)"),
    Case(name: "ceil of an integer", expression: call("ceil", a), columns: one(.int64(3)), python: "pc.ceil(a)"),
    Case(
      name: "greatest of int64 and uint64, above int64", expression: call("greatest", a, b),
      columns: one(.int64(1), .integer(18_446_744_073_709_551_615, .uint64)), python: "pc.max_element_wise(a, b)"),
  ]

  static let casts: [Case] = [
    Case(
      name: "float64 1.9 to int64", expression: .cast(a, .int64), columns: one(.float64(1.9)),
      python: "a.cast(pa.int64())"),
    Case(
      name: "int64 2^53 + 1 to float64", expression: .cast(a, .float64), columns: one(.int64(9_007_199_254_740_993)),
      python: "a.cast(pa.float64())"),
    Case(
      name: "int64 7 to decimal128(5, 0)", expression: .cast(a, .decimal128(precision: 5, scale: 0)),
      columns: one(.int64(7)), python: "a.cast(pa.decimal128(5, 0))"),
    Case(
      name: "decimal128 0.0000001 to text", expression: .cast(a, .utf8),
      columns: one(.integer(1, .decimal128(precision: 7, scale: 7))), python: "a.cast(pa.string())"),
    Case(
      name: "float64 1 to text", expression: .cast(a, .utf8), columns: one(.float64(1)), python: "a.cast(pa.string())"),
    Case(
      name: "decimal128 1.50 to bool", expression: .cast(a, .bool),
      columns: one(.integer(150, .decimal128(precision: 5, scale: 2))), python: "a.cast(pa.bool_())"),
    Case(
      name: "text '0x10' to int64", expression: .cast(a, .int64), columns: one(.utf8("0x10")),
      python: "a.cast(pa.int64())"),
    Case(
      name: "text '0xff' to int8", expression: .cast(a, .int8), columns: one(.utf8("0xff")), python: "a.cast(pa.int8())"
    ),
    Case(
      name: "text '-0' to uint8", expression: .cast(a, .uint8), columns: one(.utf8("-0")), python: "a.cast(pa.uint8())"),
    Case(
      name: "text 'nan(1)' to float64", expression: .cast(a, .float64), columns: one(.utf8("nan(1)")),
      python: "a.cast(pa.float64())"),
    Case(
      name: "text '1.00048828125000000000000000001' to float16", expression: .cast(a, .float16),
      columns: one(.utf8("1.00048828125000000000000000001")), python: "a.cast(pa.float16())"),
    Case(
      name: "text '+1' to int64", expression: .cast(a, .int64), columns: one(.utf8("+1")), python: "a.cast(pa.int64())"),
  ]
}
