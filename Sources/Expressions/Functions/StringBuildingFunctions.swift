import Arrow
import Base
import Text
import VolleyPlan

/// Longer texts from shorter ones. What would not fit a column stops the job before memory is taken for it; see
/// `TextWriter`.
extension FunctionTable {
  static var stringBuilding: [FunctionDefinition] {
    [concat, concatWithSeparator, pad("lpad", .start), pad("rpad", .end), repetition, replacement]
  }

  /// All texts one behind the other; null where one is null.
  private static let concat = FunctionDefinition("concat", "concat(text, …)", arity: 1...Int.max) {
    call throws(Failure) in
    call.kernel(call.types.map { _ in .utf8 }, .utf8, cost: Double(10 * call.arguments.count)) {
      arguments, count throws(Failure) in
      let texts = arguments.map { TextArgument($0) }
      let bytes = bytes(arguments, count)
      // Only null rows' bytes, which are not written, may make room for so much: a row that has none is not begun.
      let isDoubtful = bytes > TextKernels.largest
      return try TextKernels.texts(
        "concat", count: count, validity: arguments.validity(count), capacity: isDoubtful ? 0 : bytes
      ) { row, writer throws(Failure) in
        if isDoubtful, !writer.makeRoom(texts.reduce(0) { $0 + $1[row].count }) { return true }
        for index in 0..<texts.count { writer.append(texts[index][row]) }
        return true
      }
    }
  }

  private static func bytes(_ arguments: [Operand], _ count: Int) -> Int {
    arguments.reduce(0) { bytes, argument in
      switch argument {
      case .column(let column): bytes + column.windowOfBytes.count
      case .constant(.utf8(let text)): bytes + text.utf8.count * count
      case .constant: bytes
      }
    }
  }

  /// The texts that are not null, a separator between them; null where the separator is.
  private static let concatWithSeparator = FunctionDefinition(
    "concat_ws", "concat_ws(separator, text, …)", arity: 2...Int.max
  ) { call throws(Failure) in
    call.kernel(call.types.map { _ in .utf8 }, .utf8, isStrict: false, cost: Double(12 * call.arguments.count)) {
      arguments, count throws(Failure) in
      let texts = arguments.map { TextArgument($0) }
      let valid = arguments.map { $0.column?.validity == nil ? nil : $0.column }
      return try TextKernels.texts(
        "concat_ws", count: count, validity: commonValidity([arguments[0].column], count: count),
        capacity: bytes(arguments, count)
      ) { row, writer throws(Failure) in
        var isFirst = true
        for index in 1..<texts.count where valid[index]?.isValid(row) ?? true {
          if !isFirst { writer.append(texts[0][row]) }
          isFirst = false
          writer.append(texts[index][row])
        }
        return true
      }
    }
  }

  /// At least so many characters, filled up with spaces or another text; longer ones stay as they are.
  private static func pad(_ name: String, _ side: TextSide) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text, width[, fill])", arity: 2...3) { call throws(Failure) in
      let space = Operand.constant(.utf8(" "))
      return call.kernel(
        [.utf8, .int64] + (call.arguments.count == 3 ? [.utf8] : []), .utf8, isFallible: true, cost: 20
      ) { arguments, count throws(Failure) in
        let (texts, widths) = (TextArgument(arguments[0]), IntegerArgument(arguments[1]))
        let fills = TextArgument(arguments.count == 3 ? arguments[2] : space)
        return try TextKernels.texts(
          name, count: count, validity: arguments.validity(count), capacity: bytes([arguments[0]], count)
        ) { row, writer throws(Failure) in
          UTF8Text.pad(texts[row], to: widths[row], with: fills[row], at: side, into: &writer)
          return true
        }
      }
    }
  }

  /// The text so many times; empty for 0 and below.
  private static let repetition = FunctionDefinition("repeat", "repeat(text, count)", arity: 2...2) {
    call throws(Failure) in
    call.kernel([.utf8, .int64], .utf8, isFallible: true, cost: 20) { arguments, count throws(Failure) in
      let (texts, numbers) = (TextArgument(arguments[0]), IntegerArgument(arguments[1]))
      return try TextKernels.texts(
        "repeat", count: count, validity: arguments.validity(count), capacity: bytes([arguments[0]], count)
      ) { row, writer throws(Failure) in
        UTF8Text.repeat(texts[row], numbers[row], into: &writer)
        return true
      }
    }
  }

  /// All places of a constant text replaced by another; an empty one is found nowhere.
  private static let replacement = FunctionDefinition("replace", "replace(text, part, replacement)", arity: 3...3) {
    call throws(Failure) in
    let part = SubstringSearcher(try call.text(1, "the part").utf8)
    return call.kernel([.utf8, .utf8, .utf8], .utf8, cost: 30) { arguments, count throws(Failure) in
      let (texts, replacements) = (TextArgument(arguments[0]), TextArgument(arguments[2]))
      return try TextKernels.texts(
        "replace", count: count, validity: arguments.validity(count), capacity: bytes([arguments[0]], count)
      ) { row, writer throws(Failure) in
        UTF8Text.replace(texts[row], part, with: replacements[row], into: &writer)
        return true
      }
    }
  }
}
