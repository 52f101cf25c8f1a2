import Base
import Text

/// A pattern, a line feed, and the text that it is matched with: as a regular expression, for LIKE, and as a JSON path.
/// What the machines that find matches say about one text has to agree.
func matchPatterns(_ input: UnsafeRawBufferPointer) {
  let parts = input.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
  let pattern = String(decoding: parts[0], as: UTF8.self)
  // Text is UTF-8 where these functions are called; their memory must be safe with anything.
  let document = parts.count > 1 ? Array(parts[1]) : []
  document.withUnsafeBufferPointer { text in
    matchExpression(pattern, text)
    if let like = try? LikePattern(pattern) { _ = like.matches(text) }
    if let path = try? JSONPath(pattern) { findPath(path, text) }
  }
}

private func matchExpression(_ pattern: String, _ text: TextBytes) {
  do {
    let expression = try RegularExpression(pattern)
    expression.withMatcher { matcher in
      let match = matcher.firstMatch(in: text)
      precondition(matcher.matches(text) == (match != nil), "'\(pattern)' matches and is not found, or the reverse")
      guard let match else { return }
      precondition(match.lowerBound >= 0 && match.upperBound <= text.count, "a match lies within the text")
      matcher.findGroups(in: text, of: match)
      for index in expression.captureNames.indices {
        guard let group = matcher.group(index + 1) else { continue }
        precondition(match.clamped(to: group) == group, "group \(index + 1) lies within the match")
      }
      precondition(matcher.count(in: text) > 0, "'\(pattern)' is found but not counted")
    }
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
  }
}

private func findPath(_ path: JSONPath, _ text: TextBytes) {
  guard let slice = path.find(in: text) else { return }
  precondition(slice.range.upperBound <= text.count, "a value lies within its document")
  var memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1)
  defer { memory.deallocate() }
  var writer = TextWriter(capacity: 1) { count, capacity in
    let grown = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
    for index in 0..<count { grown[index] = memory[index] }
    memory.deallocate()
    memory = grown
    return grown
  }
  JSONPath.write(slice, of: text, into: &writer)
}
