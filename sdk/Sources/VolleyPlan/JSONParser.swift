extension JSONValue {
  /// Deepest nesting of arrays and objects that is read: enough for the deepest expression that is accepted, 256 levels, each
  /// of which is three levels of JSON.
  public static let maximumDepth = 800

  /// Reads a JSON document (RFC 8259).
  ///
  /// Stricter than the RFC where it leaves a choice: a name may stand once in an object, strings are well-formed UTF-8
  /// without lone surrogates, numbers fit a `Double`. An integer that fits 64 bits is exact, others become doubles.
  ///
  /// - Throws: what was found and expected, with line, column (in bytes, from 1) and offset.
  public static func parse(_ bytes: UnsafeRawBufferPointer) throws(PlanError) -> JSONValue {
    var parser = JSONParser(bytes)
    return try parser.document()
  }

  public static func parse(_ bytes: [UInt8]) throws(PlanError) -> JSONValue {
    try bytes.withUnsafeBytes { bytes in Result { () throws(PlanError) in try parse(bytes) } }.get()
  }

  public static func parse(_ text: String) throws(PlanError) -> JSONValue { try parse(Array(text.utf8)) }
}

/// A recursive-descent reader over bytes that outlive it.
struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var depth = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func document() throws(PlanError) -> JSONValue {
    let value = try self.value()
    skipSpace()
    if position < bytes.count { throw unexpected("the end of the document") }
    return value
  }

  // MARK: Values

  private mutating func value() throws(PlanError) -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw unexpected("a value") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"):
      try word("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    default: throw unexpected("a value")
    }
  }

  private mutating func object() throws(PlanError) -> JSONValue {
    try enter()
    var members: [JSONValue.Member] = []
    var names: Set<String> = []
    skipSpace()
    if !take("}") {
      repeat {
        skipSpace()
        let start = position
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
          throw unexpected("a name in quotation marks")
        }
        let name = try string()
        guard names.insert(name).inserted else {
          throw error("the name '\(name)' stands twice in one object", at: start)
        }
        skipSpace()
        guard take(":") else { throw unexpected("':' after a name") }
        members.append(.init(name, try value()))
        skipSpace()
      } while take(",")
      guard take("}") else { throw unexpected("',' or '}'") }
    }
    depth -= 1
    return .object(members)
  }

  private mutating func array() throws(PlanError) -> JSONValue {
    try enter()
    var elements: [JSONValue] = []
    skipSpace()
    if !take("]") {
      repeat {
        elements.append(try value())
        skipSpace()
      } while take(",")
      guard take("]") else { throw unexpected("',' or ']'") }
    }
    depth -= 1
    return .array(elements)
  }

  /// Steps past a bracket, one level deeper.
  private mutating func enter() throws(PlanError) {
    depth += 1
    guard depth <= JSONValue.maximumDepth else {
      throw error("nested deeper than \(JSONValue.maximumDepth) levels", at: position)
    }
    position += 1
  }

  private mutating func word(_ word: StaticString) throws(PlanError) {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count,
      bytes[position..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    else { throw unexpected("\(word)") }
    position = end
  }

  private mutating func number() throws(PlanError) -> JSONValue {
    let start = position
    var integral = true
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") {
      integral = false
      try digits()
    }
    if take("e") || take("E") {
      integral = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if integral, text != "-0", let value = Int64(text) { return .int(value) }
    guard let value = Double(text), value.isFinite else {
      throw error("the number \(text.prefix(40)) does not fit a 64-bit float", at: start)
    }
    return .double(value)
  }

  private mutating func digits() throws(PlanError) {
    let start = position
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    if position == start { throw unexpected("a digit") }
  }

  // MARK: Strings

  private mutating func string() throws(PlanError) -> String {
    position += 1
    var start = position
    var escaped: [UInt8] = []
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let text =
          escaped.isEmpty
          ? String(validating: bytes[start..<position], as: UTF8.self)
          : String(validating: escaped + bytes[start..<position], as: UTF8.self)
        guard let text else { throw error("the string is not UTF-8", at: start) }
        position += 1
        return text
      case UInt8(ascii: "\\"):
        escaped += bytes[start..<position]
        position += 1
        try escape(into: &escaped)
        start = position
      case 0..<0x20: throw unexpected("'\"' or an escape for a control character")
      default: position += 1
      }
    }
    throw unexpected("'\"'")
  }

  /// Reads what stands behind a backslash.
  private mutating func escape(into text: inout [UInt8]) throws(PlanError) {
    guard position < bytes.count else { throw unexpected("an escape") }
    let letter = bytes[position]
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      position += 1
      let scalar = try escapedScalar()
      text += Array(String(Character(scalar)).utf8)
      return
    default: throw unexpected("one of the escapes \" \\ / b f n r t u")
    }
    position += 1
  }

  private mutating func escapedScalar() throws(PlanError) -> Unicode.Scalar {
    let start = position - 2
    let high = try codeUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    if high < 0xDC00, take("\\"), take("u") {
      let low = try codeUnit()
      if (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00)))
      {
        return scalar
      }
    }
    throw error("a surrogate stands alone", at: start)
  }

  private mutating func codeUnit() throws(PlanError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  // MARK: Bytes

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private func unexpected(_ expected: String) -> PlanError {
    let found: String
    if position >= bytes.count {
      found = "the end of the document"
    } else if bytes[position] >= 0x20 && bytes[position] < 0x7F {
      found = "'\(Character(Unicode.Scalar(bytes[position])))'"
    } else {
      found = "byte \(bytes[position])"
    }
    return error("expected \(expected), found \(found)", at: position)
  }

  private func error(_ reason: String, at offset: Int) -> PlanError {
    var line = 1
    var lineStart = 0
    for index in 0..<min(offset, bytes.count) where bytes[index] == 0x0A {
      line += 1
      lineStart = index + 1
    }
    return PlanError("line \(line), column \(offset - lineStart + 1), offset \(offset): \(reason)")
  }
}
