import Arrow
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// The functions over texts, through the kernels, pyarrow and DuckDB: the same values.
struct StringFunctionTests {
  private static func column(
    _ type: DataType, _ generator: inout SeededGenerator, _ value: (inout SeededGenerator) -> Literal
  ) -> Column {
    let values = (0..<1300).map { _ in Int.random(in: 0..<7, using: &generator) == 0 ? nil : value(&generator) }
    return .of(type, values, junk: Int.random(in: 0...70, using: &generator))
  }

  /// Compares over texts "a" and "b" and numbers "c" with Python's expressions; then all the same over ASCII only, which has
  /// ways of its own, and over no rows.
  private func check(_ cases: [(Expression, String)]) throws {
    var generator = SeededGenerator()
    let seed = generator
    for ascii in [false, true] {
      func random(_ generator: inout SeededGenerator) -> Literal {
        let text = RandomText.value(&generator)
        return .utf8(ascii ? String(String.UnicodeScalarView(text.unicodeScalars.filter(\.isASCII))) : text)
      }
      let columns = [
        Self.column(.utf8, &generator, random),
        Self.column(.utf8, &generator) { .utf8(String(RandomText.value(&$0).prefix(2))) },
        Self.column(.int64, &generator) { .int64(.random(in: -6...9, using: &$0)) },
      ]
      let wanted = try Peer.evaluate(cases.map(\.1), columns)
      for ((expression, peer), values) in zip(cases, wanted) {
        let found = try evaluate(expression, columns).rows
        let different = zip(found, values).enumerated().first { !same($0.element.0, $0.element.1) }
        #expect(
          found.count == values.count && different == nil,
          "\(seed): \(peer) at \(different.map { "\($0.offset): \($0.element)" } ?? "a row too many or too few")")
        #expect(try evaluate(expression, columns.map { $0.slice(0..<0) }).length == 0)
      }
    }
  }

  private func list(_ expression: String) -> String {
    "pa.array([None if v is None else \(expression) for v in a.to_pylist()])"
  }

  @Test("lengths, case and reversal are pyarrow's")
  func unary() throws {
    try check([
      (call("char_length", a), "pc.utf8_length(a).cast('int64')"),
      (call("byte_length", a), "pc.binary_length(a).cast('int64')"),
      (call("upper", a), "pc.utf8_upper(a)"), (call("lower", a), "pc.utf8_lower(a)"),
      (call("initcap", a), "pc.utf8_title(a)"), (call("reverse", a), "pc.utf8_reverse(a)"),
      (call("ascii", a), list("ord(v[0]) if v else 0")),
    ])
  }

  @Test("parts are pyarrow's slices and trims and DuckDB's split_part, left and right")
  func parts() throws {
    try check([
      (call("substring", a, .int(2)), "pc.utf8_slice_codeunits(a, 2)"),
      (call("substring", a, .int(-3)), "pc.utf8_slice_codeunits(a, -3)"),
      (call("substring", a, .int(1), .int(4)), "pc.utf8_slice_codeunits(a, 1, 5)"),
      (call("substring", a, .int(-4), .int(2)), "pc.utf8_slice_codeunits(a, -4, -2)"),
      (call("substring", a, .int(-2), .int(9)), "pc.utf8_slice_codeunits(a, -2)"),
      (call("substring", a, .int(.min), .int(.max)), list("v[:-1]")),
      (call("substring", a, .int(.max), .int(.max)), list("''")),
      (call("substring", a, .int(1), .int(-1)), list("''")),
      (
        call("substring", a, c),
        "pa.array([None if v is None or n is None else v[n:] for v, n in zip(a.to_pylist(), c.to_pylist())])"
      ),
      (call("trim", a), "pc.utf8_trim_whitespace(a)"), (call("ltrim", a), "pc.utf8_ltrim_whitespace(a)"),
      (call("rtrim", a), "pc.utf8_rtrim_whitespace(a)"), (call("trim", a, .text("aé,")), "pc.utf8_trim(a, 'aé,')"),
      (call("ltrim", a, .text("ab日")), "pc.utf8_ltrim(a, 'ab日')"),
      (call("rtrim", a, .text("ab日")), "pc.utf8_rtrim(a, 'ab日')"),
      (call("left", a, .int(3)), list("v[:3]")), (call("left", a, .int(-2)), list("v[:-2]")),
      (
        call("right", a, c),
        """
        pa.array([None if v is None or n is None else v[-n:] if n else '' for v, n in zip(a.to_pylist(), c.to_pylist())])
        """
      ),
      (call("right", a, .int(.min)), list("''")), (call("right", a, .int(.max)), "a"),
      (call("split_part", a, .text(","), .int(1)), "sql(\"select split_part(a, ',', 1) from t order by row\")"),
      (call("split_part", a, .text("ab"), .int(2)), "sql(\"select split_part(a, 'ab', 2) from t order by row\")"),
      (call("split_part", a, .text("日"), .int(-1)), "sql(\"select split_part(a, '日', -1) from t order by row\")"),
      (
        call("split_part", a, .text("a"), c),
        "sql(\"select case when c = 0 then if(a is null, null, '') else split_part(a, 'a', c) end from t order by row\")"
      ),
    ])
  }

  @Test("what is built is pyarrow's and DuckDB's")
  func building() throws {
    try check([
      (call("concat", a, .text("-é"), b), "pc.binary_join_element_wise(a, pa.scalar('-é'), b, '')"),
      (call("concat", a), "a"),
      (call("concat", a, c), "pc.binary_join_element_wise(a, c.cast('string'), '')"),
      (
        call("concat_ws", .text(", "), a, b, .text("x")),
        "pc.binary_join_element_wise(a, b, pa.scalar('x'), ', ', null_handling='skip')"
      ),
      (call("concat_ws", a, b, .value(.null(.utf8))), "sql('select concat_ws(a, b, null) from t order by row')"),
      (call("lpad", a, .int(7)), "pc.utf8_lpad(a, 7)"),
      (call("rpad", a, .int(7), .text("é")), "pc.utf8_rpad(a, 7, 'é')"),
      (
        call("lpad", a, c, .text("*")),
        """
        pa.array([None if v is None or n is None else '*' * (n - len(v)) + v for v, n in zip(a.to_pylist(), c.to_pylist())])
        """
      ),
      (call("repeat", a, .int(3)), "pc.binary_repeat(a, 3)"),
      (
        call("repeat", a, c),
        "pa.array([None if v is None or n is None else v * n for v, n in zip(a.to_pylist(), c.to_pylist())])"
      ),
      (call("replace", a, .text("ab"), .text("日!")), "pc.replace_substring(a, 'ab', '日!')"),
      (call("replace", a, .text("a"), .text("")), "pc.replace_substring(a, 'a', '')"),
      (
        call("replace", a, .text("a"), b),
        """
        pa.array([None if v is None or r is None else v.replace('a', r) for v, r in zip(a.to_pylist(), b.to_pylist())])
        """
      ),
      (
        call("chr", call("add", c, .int(0x3B1))),
        "pa.array([None if n is None else chr(0x3B1 + n) for n in c.to_pylist()])"
      ),
    ])
  }

  @Test("patterns, beginnings, ends and places are pyarrow's")
  func matching() throws {
    var cases: [(Expression, String)] = []
    for pattern in [
      "ab", "a%", "%b", "%ab%", "%a%b%", "a_b%", "_%", "%é_", "%", "", "%,%,%", "%bb", "abababab%", "%😀%",
    ] {
      cases.append((call("like", a, .text(pattern)), "pc.match_like(a, '\(pattern)')"))
      cases.append((call("not_like", a, .text(pattern)), "pc.invert(pc.match_like(a, '\(pattern)'))"))
      cases.append((call("ilike", a, .text(pattern)), "pc.match_like(a, '\(pattern)', ignore_case=True)"))
    }
    cases.append((call("not_ilike", a, .text("%k_")), "pc.invert(pc.match_like(a, '%k_', ignore_case=True))"))
    for part in ["a", "ab", "", "é", "abababab", "ababababa"] {
      cases.append((call("starts_with", a, .text(part)), "pc.starts_with(a, '\(part)')"))
      cases.append((call("ends_with", a, .text(part)), "pc.ends_with(a, '\(part)')"))
      cases.append((call("contains", a, .text(part)), "pc.match_substring(a, '\(part)')"))
      cases.append((call("position", a, .text(part)), list("v.find('\(part)')")))
    }
    func pairs(_ expression: String) -> String {
      "pa.array([None if v is None or p is None else \(expression) for v, p in zip(a.to_pylist(), b.to_pylist())])"
    }
    cases += [
      (call("starts_with", a, b), pairs("v.startswith(p)")), (call("ends_with", a, b), pairs("v.endswith(p)")),
      (call("contains", a, b), pairs("p in v")), (call("position", a, b), pairs("v.find(p)")),
    ]
    try check(cases)
  }

  @Test("regular expressions are RE2's")
  func regularExpressions() throws {
    var cases: [(Expression, String)] = []
    for pattern in ["a+b", "^a", "[a-c]+$", "\\\\pL{2}", "(?i)k|é", "b.*a", "\\\\b1"] {
      let swift = pattern.split(separator: "\\\\", omittingEmptySubsequences: false).joined(separator: "\\")
      cases.append((call("regex_matches", a, .text(swift)), "pc.match_substring_regex(a, '\(pattern)')"))
      cases.append(
        (
          call("regex_extract", a, .text("(\(swift))"), .int(1)),
          "pc.struct_field(pc.extract_regex(a, '(?P<g>\(pattern))'), 'g')"
        ))
      cases.append(
        (
          call("regex_extract", a, .text("(?P<x>b?)(?P<g>\(swift))"), .text("g")),
          "pc.struct_field(pc.extract_regex(a, '(?P<x>b?)(?P<g>\(pattern))'), 'g')"
        ))
      cases.append(
        (
          call("regex_replace", a, .text("(\(swift))"), .text("<\\1>")),
          "pc.replace_substring_regex(a, '(\(pattern))', '<\\\\1>')"
        ))
    }
    for count in [-2, -1, 0, 1, 2] {
      let expression = call("regex_replace", a, .text("a|é"), .text("-"), .int(Int64(count)))
      cases.append((expression, "pc.replace_substring_regex(a, 'a|é', '-', max_replacements=\(count))"))
    }
    for pattern in ["a", "a+b", "[a-c]{2}", "日|é"] {
      cases.append((call("regex_count", a, .text(pattern)), "pc.count_substring_regex(a, '\(pattern)').cast('int64')"))
      cases.append(
        (
          call("regex_replace", a, .text(pattern), .text("-"), .int(1)),
          "sql(\"select regexp_replace(a, '\(pattern)', '-') from t order by row\")"
        ))
    }
    try check(cases)
  }

  @Test("JSON values are DuckDB's")
  func json() throws {
    var generator = SeededGenerator()
    let values = ["1", "\"x\\ny\"", "null", "true", "[1,2,3]", "{\"b\":\"é\"}", "\"\\u00e9\"", "-7"]
    let column = Self.column(.utf8, &generator) { generator in
      let value = values.randomElement(using: &generator)!
      return .utf8(
        ["{\"a\":\(value)}", "[\(value),2]", value, "{\"b\":1,\"a\":\(value)}"].randomElement(using: &generator)!)
    }
    var cases: [(Expression, String)] = []
    for path in ["$.a", "$", "$[0]", "$.a.b", "$.a[1]", "$[-1]"] {
      cases.append(
        (
          call("json_extract", a, .text(path)),
          "sql(\"select json_extract(a, '\(path)')::varchar from t order by row\")"
        ))
      cases.append(
        (
          call("json_extract_text", a, .text(path)),
          "sql(\"select json_extract_string(a, '\(path)') from t order by row\")"
        ))
    }
    let wanted = try Peer.evaluate(cases.map(\.1), [column])
    for ((expression, peer), values) in zip(cases, wanted) {
      let found = try evaluate(expression, [column]).rows
      for (row, (ours, theirs)) in zip(found, values).enumerated() {
        // DuckDB writes characters where the text has escapes.
        if case .utf8(let text) = ours, text.contains("\\u"), theirs != nil { continue }
        #expect(ours == theirs, "\(generator): \(peer) of \(column.text(at: row))")
      }
      #expect(found.count == values.count)
    }
    let damaged = Column.of(.utf8, [.utf8("{\"a\":1"), .utf8("{\"a\":1}")])
    #expect(try evaluate(call("json_extract", a, .text("$.a")), [damaged]).rows == [nil, .utf8("1")])
  }

  @Test("what cannot be is refused or stops the job, with the function's name")
  func failures() throws {
    let texts = Column.of(.utf8, [.utf8("a"), nil])
    func failure(_ expression: Expression, _ column: Column? = nil) -> String? {
      message { _ = try evaluate(expression, [column ?? texts]) }
    }
    #expect(failure(call("like", a, a))?.contains("like: the pattern must be a constant text") == true)
    #expect(failure(call("like", a, .text("\\")))?.contains("escapes nothing") == true)
    #expect(failure(call("regex_matches", a, .text("(")))?.contains("the ( has no )") == true)
    #expect(failure(call("regex_extract", a, .text("(a)"), .int(2)))?.contains("the group is 2") == true)
    #expect(failure(call("regex_extract", a, .text("(a)"), .text("n")))?.contains("no group named n") == true)
    #expect(failure(call("regex_replace", a, .text("a"), .text("\\1")))?.contains("asks for group 1") == true)
    #expect(failure(call("json_extract", a, .text("a")))?.contains("a path begins with $") == true)
    #expect(failure(call("repeat", a, .int(.max)))?.contains("take more than 2147483647 bytes") == true)
    #expect(failure(call("lpad", a, .int(.max)))?.contains("take more than 2147483647 bytes") == true)
    let number = Column.of(.int64, [.int64(0xD800)])
    #expect(failure(call("chr", a), number)?.contains("55296 is the number of no character") == true)
  }
}
