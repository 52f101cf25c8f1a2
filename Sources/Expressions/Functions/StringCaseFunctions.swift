import Arrow
import Base
import Text
import VolleyPlan

/// Case by Unicode's simple mappings, one character for one, without regard to language; and reversal.
extension FunctionTable {
  static var stringCase: [FunctionDefinition] {
    [
      cased("upper", UTF8Text.uppercaseASCII) { UTF8Text.uppercase($0, into: &$1) },
      cased("lower", UTF8Text.lowercaseASCII) { UTF8Text.lowercase($0, into: &$1) },
      cased("initcap", nil) { UTF8Text.titlecase($0, into: &$1) },
      cased("reverse", nil) { UTF8Text.reverse($0, into: &$1) },
    ]
  }

  private typealias ASCIIMapping =
    @Sendable (UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>, Int) -> Void

  /// - Parameter ascii: the same for texts of ASCII only, whose bytes it maps one by one; nil when there is no such way.
  private static func cased(
    _ name: String, _ ascii: ASCIIMapping?, _ map: @escaping @Sendable (TextBytes, inout TextWriter) -> Void
  ) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(text)", arity: 1...1) { call throws(Failure) in
      call.kernel([.utf8], .utf8, cost: 20) { arguments, count throws(Failure) in
        let column = try arguments[0].column(count)
        let window = column.windowOfBytes
        if let ascii, UTF8Text.isASCII(window) { return mapped(column, window, by: ascii) }
        let texts = TextInput(column)
        return try TextKernels.texts(
          name, count: count, validity: commonValidity([column], count: count), capacity: window.count
        ) { row, writer throws(Failure) in
          map(texts[row], &writer)
          return true
        }
      }
    }
  }

  /// All rows' bytes in one go: their lengths stay.
  private static func mapped(_ column: Column, _ window: TextBytes, by map: ASCIIMapping) -> Column {
    let count = column.length
    let bytes = Buffer(byteCount: window.count)
    if let start = window.baseAddress { map(start, bytes.unsafeMutableValues(UInt8.self), window.count) }
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let (starts, ends) = (column.offsets32, offsets.unsafeMutableValues(Int32.self))
    ends[0] = 0
    for row in 0..<count { ends[row &+ 1] = starts[row &+ 1] &- starts[0] }
    return Column(
      type: .utf8, length: count, validity: commonValidity([column], count: count), buffers: [offsets, bytes])
  }
}
