import Arrow
import Base
import Text
import VolleyPlan

/// Parts of texts. Places are in characters from 0; negative ones count from the end, as in pyarrow's slices.
extension FunctionTable {
  static var stringParts: [FunctionDefinition] {
    [
      substring, splitPart,
      end("left") { count, text in UTF8Text.slice(text, from: 0, to: count) },
      end("right") { count, text in
        // Of a negative number: all but so many at the other end.
        if count == 0 { return 0..<0 }
        return UTF8Text.slice(text, from: count == .min ? .max : 0 &- count, to: nil)
      },
      trim("trim", .both), trim("ltrim", .start), trim("rtrim", .end),
    ]
  }

  /// From a place on, so many characters or all.
  private static let substring = FunctionDefinition("substring", "substring(text, start[, length])", arity: 2...3) {
    call throws(Failure) in
    let isLong = call.arguments.count == 3
    return call.kernel([.utf8, .int64] + (isLong ? [.int64] : []), .utf8, cost: 15) {
      arguments, count throws(Failure) in
      let starts = IntegerArgument(arguments[1])
      let validity = arguments.validity(count)
      let column = try arguments[0].column(count)
      guard isLong else {
        return TextKernels.parts(of: column, count: count, validity: validity) {
          UTF8Text.slice($1, from: starts[$0], to: nil)
        }
      }
      let lengths = IntegerArgument(arguments[2])
      return TextKernels.parts(of: column, count: count, validity: validity) { row, text in
        let (start, length) = (starts[row], lengths[row])
        guard length > 0 else { return 0..<0 }
        let (stop, overflow) = start.addingReportingOverflow(length)
        // A part that begins before the end and passes it ends with it.
        return UTF8Text.slice(text, from: start, to: overflow || (start < 0 && stop >= 0) ? nil : stop)
      }
    }
  }

  /// One part of a text between separators, 1 for the first, -1 for the last; empty where there is none.
  private static let splitPart = FunctionDefinition("split_part", "split_part(text, separator, part)", arity: 3...3) {
    call throws(Failure) in
    let separator = SubstringSearcher(try call.text(1, "the separator").utf8)
    return call.kernel([.utf8, .utf8, .int64], .utf8, cost: 20) { arguments, count throws(Failure) in
      let parts = IntegerArgument(arguments[2])
      return try TextKernels.parts(of: arguments[0].column(count), count: count, validity: arguments.validity(count)) {
        UTF8Text.split($1, at: separator, part: parts[$0]) ?? 0..<0
      }
    }
  }

  private static func end(
    _ name: String, _ part: @escaping @Sendable (Int, TextBytes) -> Range<Int>
  ) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text, characters)", arity: 2...2) { call throws(Failure) in
      call.kernel([.utf8, .int64], .utf8, cost: 15) { arguments, count throws(Failure) in
        let numbers = IntegerArgument(arguments[1])
        return try TextKernels.parts(of: arguments[0].column(count), count: count, validity: arguments.validity(count))
        {
          part(numbers[$0], $1)
        }
      }
    }
  }

  /// Without white space, or without the characters of a constant text, at the ends.
  private static func trim(_ name: String, _ side: TextSide) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text[, characters])", arity: 1...2) { call throws(Failure) in
      let set: TrimSet
      if call.arguments.count == 2 {
        var characters = try call.text(1, "the characters")
        set = characters.withUTF8 { TrimSet($0) }
      } else {
        set = .whitespace
      }
      return call.kernel(call.types.map { _ in .utf8 }, .utf8, cost: 10) { arguments, count throws(Failure) in
        try TextKernels.parts(of: arguments[0].column(count), count: count, validity: arguments.validity(count)) {
          UTF8Text.trim($1, of: set, at: side)
        }
      }
    }
  }
}
