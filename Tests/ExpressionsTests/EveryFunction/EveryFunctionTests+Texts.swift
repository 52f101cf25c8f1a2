import VolleyPlan

extension EveryFunctionTests {
  static func strings() -> [Comparison] {
    var list = matching() + expressions()
    func text(_ name: String, _ arguments: Expression..., python: String) {
      list.append(Comparison(name, [.text], python, call: .call(name, [a] + arguments)))
    }
    text("char_length", python: "pc.utf8_length(a).cast('int64')")
    text("byte_length", python: "pc.binary_length(a).cast('int64')")
    text("upper", python: "pc.utf8_upper(a)")
    text("lower", python: "pc.utf8_lower(a)")
    text("initcap", python: "pc.utf8_title(a)")
    text("reverse", python: "pc.utf8_reverse(a)")
    text("ascii", python: "each(lambda v: ord(v[0]) if v else 0, a, type=pa.int64())")
    text("trim", python: "pc.utf8_trim_whitespace(a)")
    text("trim", .text("aé,"), python: "pc.utf8_trim(a, 'aé,')")
    text("ltrim", python: "pc.utf8_ltrim_whitespace(a)")
    text("rtrim", python: "pc.utf8_rtrim_whitespace(a)")
    text("substring", .int(1), .int(4), python: "pc.utf8_slice_codeunits(a, 1, 5)")
    text("substring", .int(-3), python: "pc.utf8_slice_codeunits(a, -3)")
    text("split_part", .text("a"), .int(2), python: "sql(\"split_part(a, 'a', 2)\", a)")
    text("lpad", .int(7), .text("é"), python: "pc.utf8_lpad(a, 7, 'é')")
    text("rpad", .int(7), .text("é"), python: "pc.utf8_rpad(a, 7, 'é')")
    text("replace", .text("ab"), .text("日!"), python: "pc.replace_substring(a, 'ab', '日!')")
    // Of the text v and the number n.
    let counted = [
      ("substring", "v[n:]"), ("left", "v[:n]"), ("right", "v[-n:] if n else ''"), ("repeat", "v * n"),
    ]
    for (name, python) in counted {
      list.append(Comparison(name, [.text, .between(-6...9, .int64)], "each(lambda v, n: \(python), a, b)"))
    }
    list.append(
      Comparison(
        "split_part", [.text, .between(-4...4, .int64)],
        "sql(\"case when b = 0 then if(a is null, null, '') else split_part(a, 'a', b) end\", a, b)",
        call: call("split_part", a, .text("a"), b)))
    list.append(Comparison("chr", [.between(1...0xD7FF, .int64)], "each(chr, a, type=pa.string())"))
    list.append(Comparison("concat", [.text, .shortText], "pc.binary_join_element_wise(a, b, '')"))
    list.append(
      Comparison(
        "concat_ws", [.text, .shortText], "sql(\"concat_ws(', ', a, b)\", a, b)",
        call: call("concat_ws", .text(", "), a, b)))
    list.append(
      Comparison(
        "replace", [.text, .shortText], "each(lambda v, r: v.replace('a', r), a, b)",
        call: call("replace", a, .text("a"), b)))
    return list
  }

  private static func matching() -> [Comparison] {
    var list: [Comparison] = []
    for pattern in ["ab", "a%", "%b", "%a%b%", "_%", "%é_"] {
      for (prefix, option) in [("", ""), ("i", ", ignore_case=True")] {
        let match = "pc.match_like(a, '\(pattern)'\(option))"
        let (name, opposite) = ("\(prefix)like", "not_\(prefix)like")
        list.append(Comparison(name, [.text], match, call: call(name, a, .text(pattern))))
        list.append(Comparison(opposite, [.text], "pc.invert(\(match))", call: call(opposite, a, .text(pattern))))
      }
    }
    for (name, python) in [("starts_with", "v.startswith(p)"), ("ends_with", "v.endswith(p)"), ("contains", "p in v")] {
      list.append(Comparison(name, [.text, .shortText], "each(lambda v, p: \(python), a, b, type=pa.bool_())"))
    }
    list.append(Comparison("position", [.text, .shortText], "each(lambda v, p: v.find(p), a, b, type=pa.int64())"))
    return list
  }

  private static func expressions() -> [Comparison] {
    var list: [Comparison] = []
    for pattern in ["a+b", "[a-c]+", "(?i:k|é)", "b.*a"] {
      func text(_ name: String, _ arguments: Expression..., python: String) {
        list.append(Comparison(name, [.text], python, call: .call(name, [a] + arguments)))
      }
      text("regex_matches", .text(pattern), python: "pc.match_substring_regex(a, '\(pattern)')")
      text("regex_count", .text(pattern), python: "pc.count_substring_regex(a, '\(pattern)').cast('int64')")
      text(
        "regex_extract", .text("(\(pattern)|$)"), .int(1),
        python: "pc.struct_field(pc.extract_regex(a, '(?P<g>\(pattern)|$)'), 'g')")
      text(
        "regex_replace", .text("(\(pattern))"), .text("<\\1>"),
        python: "pc.replace_substring_regex(a, '(\(pattern))', '<\\\\1>')")
    }
    for path in ["$", "$.a", "$[0]", "$.a.b", "$[-1]"] {
      let document = call("json_extract", a, .text(path))
      list.append(
        Comparison("json_extract", [.json], "sql(\"json_extract(a, '\(path)')::varchar\", a)", call: document))
      let text = call("json_extract_text", a, .text(path))
      list.append(Comparison("json_extract_text", [.json], "sql(\"json_extract_string(a, '\(path)')\", a)", call: text))
    }
    return list
  }
}
