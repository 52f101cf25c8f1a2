import Arrow
import Base
import Text
import VolleyPlan

/// Numbers from texts and back. Lengths and places are int64, as whole-number literals are.
extension FunctionTable {
  static var stringLengths: [FunctionDefinition] { [characterLength, byteLength, position, codePoint, character] }

  /// Characters, which are Unicode scalars.
  private static let characterLength = FunctionDefinition("char_length", "char_length(text)", arity: 1...1) {
    call throws(Failure) in
    call.kernel([.utf8], .int64, cost: 5) { arguments, count throws(Failure) in
      let column = try arguments[0].column(count)
      if UTF8Text.isASCII(column.windowOfBytes) { return byteLengths(column) }
      let texts = TextInput(column)
      return TextKernels.numbers(count: count, validity: commonValidity([column], count: count)) {
        UTF8Text.characterCount(texts[$0])
      }
    }
  }

  private static let byteLength = FunctionDefinition("byte_length", "byte_length(text)", arity: 1...1) {
    call throws(Failure) in
    call.kernel([.utf8], .int64, cost: 1) { arguments, count throws(Failure) in
      try byteLengths(arguments[0].column(count))
    }
  }

  private static func byteLengths(_ column: Column) -> Column {
    let buffer = Buffer(byteCount: column.length * 8)
    let (lengths, offsets) = (buffer.unsafeMutableValues(Int64.self), column.offsets32)
    for row in 0..<column.length { lengths[row] = Int64(offsets[row &+ 1] &- offsets[row]) }
    return Column(
      type: .int64, length: column.length, validity: commonValidity([column], count: column.length), buffers: [buffer])
  }

  /// The first place of a text in another, in characters from 0; -1 where it is not.
  private static let position = FunctionDefinition("position", "position(text, part)", arity: 2...2) {
    call throws(Failure) in
    let part = call.constant(1) == nil ? nil : SubstringSearcher(try call.text(1, "the part").utf8)
    return call.kernel([.utf8, .utf8], .int64, cost: 15) { arguments, count throws(Failure) in
      let (texts, parts) = (TextArgument(arguments[0]), TextArgument(arguments[1]))
      return TextKernels.numbers(count: count, validity: arguments.validity(count)) { row in
        if let part { return UTF8Text.position(of: part, in: texts[row]) }
        return UTF8Text.position(of: parts[row], in: texts[row])
      }
    }
  }

  /// The number of the first character, 0 for an empty text.
  private static let codePoint = FunctionDefinition("ascii", "ascii(text)", arity: 1...1) { call throws(Failure) in
    call.kernel([.utf8], .int64, cost: 3) { arguments, count throws(Failure) in
      let texts = TextArgument(arguments[0])
      return TextKernels.numbers(count: count, validity: arguments.validity(count)) {
        UTF8Text.firstScalar(of: texts[$0])
      }
    }
  }

  /// The character of a number.
  private static let character = FunctionDefinition("chr", "chr(number)", arity: 1...1) { call throws(Failure) in
    call.kernel([.int64], .utf8, isFallible: true, cost: 5) { arguments, count throws(Failure) in
      let numbers = IntegerArgument(arguments[0])
      return try TextKernels.texts("chr", count: count, validity: arguments.validity(count), capacity: count) {
        row, writer throws(Failure) in
        guard let value = UInt32(exactly: numbers[row]), Unicode.Scalar(value) != nil else {
          throw Failure(
            .data, "chr: \(numbers[row]) is the number of no character; those are 0 to 1114111 without 55296 to 57343")
        }
        writer.append(scalar: value)
        return true
      }
    }
  }
}
