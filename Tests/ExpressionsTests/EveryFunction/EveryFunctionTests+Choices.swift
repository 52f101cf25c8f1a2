import Arrow
import VolleyPlan

extension EveryFunctionTests {
  private static let someNumbers: [Literal] = [.int64(.min), .int64(-1), .int64(0), .int64(7), .int64(.max)]
  private static let someTexts: [Literal] = [.utf8(""), .utf8("a"), .utf8("é"), .utf8("ab")]
  private static let someFloats: [Literal] = [
    .float64(.nan), .float64(-.infinity), .float64(-0.0), .float64(0), .float64(1.5),
  ]

  static func choices() -> [Comparison] {
    var list = nested()
    for type in [DataType.int64, .float64, .utf8, .bool, .timestamp, .binary, money, .date32] {
      list.append(Comparison("coalesce", [.wide(type), .wide(type), .wide(type)], "pc.coalesce(a, b, c)"))
    }
    for values in [someNumbers, someTexts, someFloats] {
      let one = RandomArgument.oneOf(values)
      list.append(
        Comparison(
          "null_if", [one, one], "pc.if_else(pc.fill_null(pc.equal(a, b), False), pa.nulls(len(a), a.type), a)"))
      list.append(
        Comparison("between", [one, one, one], "pc.and_kleene(pc.greater_equal(a, b), pc.less_equal(a, c))"))
    }
    let few = Expression.call("in", [a, .int(.min), .int(7), .int(8)])
    list.append(Comparison("in", [.oneOf(someNumbers)], "within(a, [-2**63, 7, 8])", call: few))
    let many = Expression.call("in", [a, .text("a"), .text("é")] + (0..<20).map { .text("\($0)") })
    list.append(Comparison("in", [.oneOf(someTexts)], "within(a, ['a', 'é'])", call: many))
    for type in [DataType.int64, .float64, .utf8] { list.append(Comparison("hash", [.wide(type)], "hashed(a)")) }
    list.append(Comparison("hash", [.wide(.int64), .text], "hashed(a, b)"))
    return list
  }

  private static func nested() -> [Comparison] {
    var list: [Comparison] = []
    let record = DataType.struct([Field("a", .int64), Field("b", .utf8)])
    for name in ["a", "b"] {
      let field = call("struct_field", a, .text(name))
      list.append(Comparison("struct_field", [.wide(record)], "pc.struct_field(a, '\(name)')", call: field))
    }
    let fixed = DataType.fixedSizeList(Field("item", .int8), size: 4)
    for type in [.list(of: .int32), .list(of: .utf8), .largeList(Field("item", .float64)), fixed] {
      for index in [Int64(0), -1] {
        list.append(
          Comparison(
            "list_element", [.wide(type)],
            "pa.array([v[\(index)] if v else None for v in a.to_pylist()], a.type.value_type)",
            call: call("list_element", a, .int(index))))
      }
      list.append(Comparison("list_length", [.wide(type)], "pc.list_value_length(a).cast('int64')"))
    }
    let contains = call("list_contains", a, .int(2))
    list.append(
      Comparison("list_contains", [.oneOf(lists())], "each(lambda v: 2 in v, a, type=pa.bool_())", call: contains))
    let lookup = call("map_lookup", a, .text("x"))
    list.append(Comparison("map_lookup", [.oneOf(maps())], "pc.map_lookup(a, 'x', 'first')", call: lookup))
    return list
  }

  private static func lists() -> [Literal] {
    let lists: [[Int32?]] = [[], [1], [2], [nil, 2], [nil], [1, 3, 2], [3, 1]]
    return lists.map { items in .nested(items.map(item), .list(of: .int32)) }
  }

  private static func item(_ value: Int32?) -> Literal {
    guard let value else { return .null(.int32) }
    return .int32(value)
  }

  private static func maps() -> [Literal] {
    let type = DataType.map(.utf8, to: .int32)
    let maps: [[(String, Int32?)]] = [[("x", 1)], [("y", 2), ("x", Int32.min)], [("x", nil)], [], [("y", 3)]]
    return maps.map { entries in
      .nested(entries.map { .nested([.utf8($0), item($1)], type.childFields[0].type) }, type)
    }
  }
}
