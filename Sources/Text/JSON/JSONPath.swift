import Base

/// Where a value is in a JSON document: `$.orders[0].id`, `$['x y']`, `$."x y"`, `$[-1]` for the last element. There are no
/// wildcards: a path leads to one value at most.
public struct JSONPath: Sendable {
  enum Step: Sendable {
    /// An object's first member of that name.
    case member(ConstantBytes)
    /// An array's element, from 0, or from the end for a negative number: -1 is the last.
    case element(Int)
  }

  let steps: [Step]

  public init(_ path: String) throws(Failure) {
    var parser = JSONPathParser(path)
    steps = try parser.steps()
  }
}

/// Reads `JSONPath`s.
private struct JSONPathParser {
  private let path: String
  private let bytes: [UInt8]
  private var place = 0

  init(_ path: String) {
    self.path = path
    bytes = Array(path.utf8)
  }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private func failure(_ reason: String) -> Failure {
    Failure(.usage, "JSON path \"\(path)\", byte \(place + 1): \(reason)")
  }

  mutating func steps() throws(Failure) -> [JSONPath.Step] {
    guard skip("$") else { throw failure("a path begins with $, the whole document, as in $.a.b[0]") }
    var steps: [JSONPath.Step] = []
    while place < bytes.count {
      if skip(".") {
        steps.append(.member(ConstantBytes(try name())))
      } else if skip("[") {
        steps.append(try bracket())
      } else {
        throw failure("after $, a name or a bracket comes .name, [number] or ['name']")
      }
    }
    return steps
  }

  private mutating func name() throws(Failure) -> [UInt8] {
    if let quote = next, quote == UInt8(ascii: "\"") { return try quoted() }
    let start = place
    while let byte = next, byte != UInt8(ascii: "."), byte != UInt8(ascii: "[") { place += 1 }
    let name = Array(bytes[start..<place])
    if name == [UInt8(ascii: "*")] { throw failure("wildcards are not supported; name the member") }
    guard !name.isEmpty else { throw failure("a name is missing; write .\"\" for an empty one") }
    return name
  }

  /// A name in quotes, in which a backslash makes the character after it stand for itself.
  private mutating func quoted() throws(Failure) -> [UInt8] {
    let quote = bytes[place]
    place += 1
    var name: [UInt8] = []
    while let byte = next {
      place += 1
      if byte == quote { return name }
      if byte == UInt8(ascii: "\\"), let escaped = next {
        name.append(escaped)
        place += 1
      } else {
        name.append(byte)
      }
    }
    throw failure("the quoted name does not end")
  }

  private mutating func bracket() throws(Failure) -> JSONPath.Step {
    var step: JSONPath.Step
    if let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
      step = .member(ConstantBytes(try quoted()))
    } else {
      // "[#-1]" is SQLite's and DuckDB's form of "[-1]".
      let fromEnd = skip("#")
      let start = place
      if next == UInt8(ascii: "-") { place += 1 }
      while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { place += 1 }
      guard let index = Int(String(decoding: bytes[start..<place], as: UTF8.self)), !fromEnd || index < 0 else {
        throw failure("brackets hold a number, or a name in quotes; wildcards are not supported")
      }
      step = .element(index)
    }
    guard skip("]") else { throw failure("the bracket does not end in ]") }
    return step
  }
}
