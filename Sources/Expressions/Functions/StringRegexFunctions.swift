import Arrow
import Base
import Text
import VolleyPlan

/// Regular expressions in RE2's syntax; see `RegularExpression`. The expression is a constant; options such as `(?i)` stand
/// in it.
extension FunctionTable {
  static var regularExpressions: [FunctionDefinition] { [regexMatches, regexCount, regexExtract, regexReplace] }

  /// Whether the expression matches anywhere in the text.
  private static let regexMatches = FunctionDefinition("regex_matches", "regex_matches(text, expression)", arity: 2...2)
  {
    call throws(Failure) in
    let expression = try RegularExpression(try call.text(1, "the expression"))
    return call.kernel([.utf8, .utf8], .bool, cost: 60) { arguments, count throws(Failure) in
      let texts = TextArgument(arguments[0])
      return expression.withMatcher { matcher in
        TextKernels.truths(count: count, validity: arguments.validity(count)) { matcher.matches(texts[$0]) }
      }
    }
  }

  /// How many matches there are, none within another.
  private static let regexCount = FunctionDefinition("regex_count", "regex_count(text, expression)", arity: 2...2) {
    call throws(Failure) in
    let expression = try RegularExpression(try call.text(1, "the expression"))
    return call.kernel([.utf8, .utf8], .int64, cost: 120) { arguments, count throws(Failure) in
      let texts = TextArgument(arguments[0])
      return expression.withMatcher { matcher in
        TextKernels.numbers(count: count, validity: arguments.validity(count)) { matcher.count(in: texts[$0]) }
      }
    }
  }

  /// The first match or a group of it; null where there is no match or the group took no part in it.
  private static let regexExtract = FunctionDefinition(
    "regex_extract", "regex_extract(text, expression[, group])", arity: 2...3
  ) { call throws(Failure) in
    let expression = try RegularExpression(try call.text(1, "the expression"))
    let group = try group(of: expression, call)
    let groupType: [DataType] = call.arguments.count < 3 ? [] : [call.types[2]]
    return call.kernel([.utf8, .utf8] + groupType, .utf8, makesNulls: true, cost: 150) {
      arguments, count throws(Failure) in
      let texts = TextArgument(arguments[0])
      return try expression.withMatcher { matcher throws(Failure) in
        try TextKernels.texts("regex_extract", count: count, validity: arguments.validity(count), capacity: count * 8) {
          row, writer throws(Failure) in
          let text = texts[row]
          guard var found = matcher.firstMatch(in: text) else { return false }
          if group > 0 {
            matcher.findGroups(in: text, of: found)
            guard let range = matcher.group(group) else { return false }
            found = range
          }
          writer.append(TextBytes(rebasing: text[found]))
          return true
        }
      }
    }
  }

  /// The group that a call asks for by number or name; 0, the whole match, when it asks for none.
  private static func group(of expression: RegularExpression, _ call: FunctionCall) throws(Failure) -> Int {
    guard call.arguments.count == 3 else { return 0 }
    let count = expression.captureNames.count
    if call.types[2].isInteger {
      let group = try call.integer(2, "the group")
      guard group >= 0, group <= count else {
        throw call.refusal("the group is \(group), and the expression \"\(expression.pattern)\" has \(count)")
      }
      return group
    }
    let name = try call.text(2, "the group")
    guard let group = expression.captureIndex(name) else {
      let names = expression.captureNames.compactMap(\.self).joined(separator: ", ")
      throw call.refusal(
        "the expression \"\(expression.pattern)\" has no group named \(name), it has \(names.isEmpty ? "no names" : names)"
      )
    }
    return group
  }

  /// Matches replaced by a template in which `\1` is a group: all, or the first few; a count below 0 is all, as pyarrow has
  /// it.
  private static let regexReplace = FunctionDefinition(
    "regex_replace", "regex_replace(text, expression, replacement[, count])", arity: 3...4
  ) { call throws(Failure) in
    let expression = try RegularExpression(try call.text(1, "the expression"))
    let template = try RegexTemplate(try call.text(2, "the replacement"), for: expression)
    let wanted = call.arguments.count == 4 ? try call.integer(3, "the count") : -1
    let limit = wanted < 0 ? .max : wanted
    let types: [DataType] = [.utf8, .utf8, .utf8] + (call.arguments.count == 4 ? [call.types[3]] : [])
    return call.kernel(types, .utf8, cost: 150) { arguments, count throws(Failure) in
      let texts = TextArgument(arguments[0])
      return try expression.withMatcher { matcher throws(Failure) in
        try TextKernels.texts("regex_replace", count: count, validity: arguments.validity(count), capacity: count * 16)
        {
          row, writer throws(Failure) in
          matcher.replace(texts[row], with: template, limit: limit, into: &writer)
          return true
        }
      }
    }
  }
}
