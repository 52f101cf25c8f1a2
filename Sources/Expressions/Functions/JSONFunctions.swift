import Arrow
import Base
import Text
import VolleyPlan

/// Values out of JSON texts by a constant path; see `JSONPath`. A text that is no JSON gives null.
extension FunctionTable {
  static var jsonExtraction: [FunctionDefinition] {
    [
      // The value as it stands in the text.
      extraction("json_extract") { slice, text, writer in
        writer.append(TextBytes(rebasing: text[slice.range]))
        return true
      },
      // A string without its quotes and escapes, other values as they stand, and null for JSON's null.
      extraction("json_extract_text") { slice, text, writer in
        if slice.kind == .null { return false }
        JSONPath.write(slice, of: text, into: &writer)
        return true
      },
    ]
  }

  private static func extraction(
    _ name: String, _ write: @escaping @Sendable (JSONSlice, TextBytes, inout TextWriter) -> Bool
  ) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text, path)", arity: 2...2) { call throws(Failure) in
      let path = try JSONPath(try call.text(1, "the path"))
      return call.kernel([.utf8, .utf8], .utf8, makesNulls: true, cost: 150) { arguments, count throws(Failure) in
        let texts = TextArgument(arguments[0])
        return try TextKernels.texts(name, count: count, validity: arguments.validity(count), capacity: count * 8) {
          row, writer throws(Failure) in
          let text = texts[row]
          guard let slice = path.find(in: text) else { return false }
          return write(slice, text, &writer)
        }
      }
    }
  }
}
