import Arrow
import Base
import Text
import VolleyPlan

/// Whether texts are like a pattern, begin or end with a text or contain one.
extension FunctionTable {
  static var stringMatching: [FunctionDefinition] {
    [
      like("like", ignoringCase: false, negated: false), like("not_like", ignoringCase: false, negated: true),
      like("ilike", ignoringCase: true, negated: false), like("not_ilike", ignoringCase: true, negated: true),
      affix("starts_with", atStart: true), affix("ends_with", atStart: false), contains,
    ]
  }

  /// SQL's LIKE with a constant pattern; see `LikePattern`.
  private static func like(_ name: String, ignoringCase: Bool, negated: Bool) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text, pattern)", arity: 2...2) { call throws(Failure) in
      let pattern = try LikePattern(try call.text(1, "the pattern"), ignoringCase: ignoringCase)
      return call.kernel([.utf8, .utf8], .bool, cost: ignoringCase ? 30 : 10) { arguments, count throws(Failure) in
        let column = try arguments[0].column(count)
        let texts = ignoringCase ? try MatchKernels.folded(column) : column
        return MatchKernels.like(texts, pattern, negated: negated).column(
          validity: commonValidity([column], count: count))
      }
    }
  }

  private static func affix(_ name: String, atStart: Bool) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text, part)", arity: 2...2) { call throws(Failure) in
      call.kernel([.utf8, .utf8], .bool, cost: 3) { arguments, count throws(Failure) in
        let validity = arguments.validity(count)
        let parts = TextArgument(arguments[1])
        if case .constant = arguments[1] {
          return try MatchKernels.ends(arguments[0].column(count), parts[0], atStart: atStart).column(
            validity: validity)
        }
        let texts = TextArgument(arguments[0])
        return TextKernels.truths(count: count, validity: validity) { row in
          atStart ? UTF8Text.hasPrefix(texts[row], parts[row]) : UTF8Text.hasSuffix(texts[row], parts[row])
        }
      }
    }
  }

  private static let contains = FunctionDefinition("contains", "contains(text, part)", arity: 2...2) {
    call throws(Failure) in
    let part = call.constant(1) == nil ? nil : SubstringSearcher(try call.text(1, "the part").utf8)
    return call.kernel([.utf8, .utf8], .bool, cost: 10) { arguments, count throws(Failure) in
      let validity = arguments.validity(count)
      if let part { return try MatchKernels.contains(arguments[0].column(count), part).column(validity: validity) }
      let (texts, parts) = (TextArgument(arguments[0]), TextArgument(arguments[1]))
      return TextKernels.truths(count: count, validity: validity) {
        UTF8Text.firstOffset(of: parts[$0], in: texts[$0]) >= 0
      }
    }
  }
}
