import Arrow
import VolleyPlan

extension DifferenceTests {
  private static func text(_ value: String) -> [Column] { one(.utf8(value)) }

  static let texts: [Case] = [
    Case(
      name: "char_length of 'é'", expression: call("char_length", a), columns: text("é"), python: "pc.utf8_length(a)"),
    Case(
      name: "position of 'a' in 'éa'", expression: call("position", a, .text("a")), columns: text("éa"),
      python: "pc.find_substring(a, 'a')"),
    Case(
      name: "like '%\\a', beside a % at an end", expression: call("like", a, .text("%\\a")), columns: text("ba"),
      python: "pc.match_like(a, '%\\\\a')"),
    Case(
      name: "regex_extract of a group that took no part",
      expression: call("regex_extract", a, .text("(a)|b"), .int(1)), columns: text("b"),
      python: "pc.struct_field(pc.extract_regex(a, '(?P<g>a)|b'), 'g')"),
    Case(
      name: "regex_count of empty matches", expression: call("regex_count", a, .text("b*")), columns: text("abc"),
      python: "pc.count_substring_regex(a, 'b*')"),
    Case(
      name: "regex_count of \\B in 'é'", expression: call("regex_count", a, .text("\\B")),
      columns: text("é"), python: "pc.count_substring_regex(a, '\\\\B').cast('int64')"),
    Case(
      name: "a group's name twice", expression: call("regex_matches", a, .text("(?P<n>a)|(?P<n>b)")),
      columns: text("b"), python: "pc.match_substring_regex(a, '(?P<n>a)|(?P<n>b)')"),
    Case(
      name: "251 groups in one another",
      expression: call(
        "regex_matches", a,
        .text(String(repeating: "(", count: 251) + "a" + String(repeating: ")", count: 251))), columns: text("a"),
      python: "pc.match_substring_regex(a, '(' * 251 + 'a' + ')' * 251)"),
    Case(
      name: "lpad of a longer text, beside DuckDB", expression: call("lpad", a, .int(2), .text(" ")),
      columns: text("abc"), python: "sql(\"lpad(a, 2, ' ')\", a)"),
    Case(
      name: "rpad of a longer text, beside DuckDB", expression: call("rpad", a, .int(2), .text(" ")),
      columns: text("abc"), python: "sql(\"rpad(a, 2, ' ')\", a)"),
    Case(
      name: "repeat -1 times", expression: call("repeat", a, .int(-1)), columns: text("a"),
      python: "pc.binary_repeat(a, -1)"),
    Case(
      name: "concat_ws of nulls only", expression: call("concat_ws", .text(","), a, b),
      columns: one(.null(.utf8), .null(.utf8)),
      python: "pc.binary_join_element_wise(a, b, ',', null_handling='skip')"),
    Case(
      name: "json_extract of 1.50, beside DuckDB", expression: call("json_extract", a, .text("$.a")),
      columns: text("{\"a\":1.50}"), python: "sql(\"json_extract(a, '$.a')::varchar\", a)"),
    Case(
      name: "json_extract of an object with spaces, beside DuckDB", expression: call("json_extract", a, .text("$.a")),
      columns: text("{\"a\":{ \"b\" : 1 }}"), python: "sql(\"json_extract(a, '$.a')::varchar\", a)"),
  ]

  static let lists: [Case] = [
    Case(
      name: "null in (1, 2)", expression: call("in", a, .int(1), .int(2)), columns: one(.null(.int64)),
      python: "pc.is_in(a, value_set=pa.array([1, 2]))"),
    Case(
      name: "NaN in (NaN)", expression: call("in", a, .float(.nan)), columns: one(.float64(.nan)),
      python: "pc.is_in(a, value_set=pa.array([float('nan')]))"),
    Case(
      name: "-0.0 in (0.0)", expression: call("in", a, .float(0)), columns: one(.float64(-0.0)),
      python: "pc.is_in(a, value_set=pa.array([0.0]))"),
    Case(
      name: "list_element behind the end", expression: call("list_element", a, .int(3)),
      columns: one(.nested([.int32(1)], .list(of: .int32))), python: "pc.list_element(a, 3)"),
    Case(
      name: "list_element -1", expression: call("list_element", a, .int(-1)),
      columns: one(.nested([.int32(1), .int32(2)], .list(of: .int32))), python: "pc.list_element(a, -1)"),
    Case(
      name: "list_length", expression: call("list_length", a),
      columns: one(.nested([.int32(1)], .list(of: .int32))), python: "pc.list_value_length(a)"),
    Case(
      name: "coalesce of dictionaries", expression: call("coalesce", a, b),
      columns: (0..<2).map { _ in
        Column.of(.dictionary(index: .int8, value: .int64, ordered: false), [.int64(7)])
      }, python: "pc.coalesce(a, b)"),
  ]
}
