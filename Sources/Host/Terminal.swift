import Base
import Connectors
import Glibc

/// A line to standard output, for people.
func printLine(_ text: String) throws(Failure) { try printText(text + "\n") }

/// Text to standard output, at once. A reader that went away is no error worth telling.
///
/// - Throws: `io` when it cannot be written, such as on a full disk: whoever asked for it does not have it.
func printText(_ text: String) throws(Failure) {
  guard !writeAll(Array(text.utf8), to: StandardOutput.descriptor), errno != EPIPE else { return }
  throw Failure(
    .io, "standard output cannot be written: \(systemError(errno)); free space there or send it somewhere else")
}

/// A line to standard error, in one write, so that lines of several processes do not mix.
func complain(_ text: String) { _ = writeAll(Array((text + "\n").utf8), to: STDERR_FILENO) }

/// The text on one line without anything that a terminal would obey: line breaks, control characters and those that change the
/// direction of writing are spelt out. What a person reads may hold a plugin's words or the bytes of a file.
func oneLine(_ text: String) -> String {
  if text.unicodeScalars.allSatisfy({ !isUnprintable($0) }) { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case let scalar where isUnprintable(scalar):
      result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

private func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
  default: false
  }
}
