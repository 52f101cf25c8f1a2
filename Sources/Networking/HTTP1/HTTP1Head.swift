/// The lines of a request's head and what they mean together: RFC 9112 sections 3 to 7.
enum HTTP1Head {
  enum BodyLength: Equatable {
    case none
    case bytes(Int)
    case chunks
  }

  /// `GET /path HTTP/1.1`, with one space each: RFC 9112 section 3.
  static func request(_ line: [UInt8]) throws(HTTP1Refusal) -> HTTP1Request {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(HTTPCharacter.isToken) else {
      throw HTTP1Refusal(400, "the first line is no method, target and version with a space between each")
    }
    let isHTTP11 = try version(parts[2])
    guard let method = HTTP1Request.Method(rawValue: String(decoding: parts[0], as: UTF8.self)) else {
      throw HTTP1Refusal(501, "the method is none of GET, HEAD and POST")
    }
    return HTTP1Request(method: method, target: try target(parts[1]), isHTTP11: isHTTP11, keepsAlive: isHTTP11)
  }

  private static func version(_ part: ArraySlice<UInt8>) throws(HTTP1Refusal) -> Bool {
    let text = Array(part)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard text.count == 8, text.starts(with: "HTTP/".utf8), digits.contains(text[5]), text[6] == UInt8(ascii: "."),
      digits.contains(text[7])
    else { throw HTTP1Refusal(400, "the first line does not end with a version like HTTP/1.1") }
    guard text[5] == UInt8(ascii: "1") else { throw HTTP1Refusal(505, "the version is not HTTP/1.1 or HTTP/1.0") }
    return text[7] != UInt8(ascii: "0")
  }

  /// A path, or a whole URI (which a server must take: section 3.2.2), of which the path is returned.
  private static func target(_ part: ArraySlice<UInt8>) throws(HTTP1Refusal) -> String {
    guard part.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      throw HTTP1Refusal(400, "the target has characters that no URI has")
    }
    let text = String(decoding: part, as: UTF8.self)
    if text.hasPrefix("/") { return text }
    guard text.prefix(7).lowercased() == "http://" else {
      throw HTTP1Refusal(400, "the target is neither a path nor a URI of http")
    }
    let rest = text.dropFirst(7)
    let path = rest.drop { $0 != "/" && $0 != "?" }
    guard path.count < rest.count else { throw HTTP1Refusal(400, "the target's URI names no host") }
    return path.hasPrefix("/") ? String(path) : "/" + path
  }

  /// `name: value`: RFC 9112 section 5. The name comes in lower case.
  static func field(_ line: [UInt8]) throws(HTTP1Refusal) -> HTTPFields.Field {
    guard let first = line.first, !HTTPCharacter.isBlank(first) else {
      throw HTTP1Refusal(400, "a field is folded over two lines")
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      line[..<colon].allSatisfy(HTTPCharacter.isToken)
    else { throw HTTP1Refusal(400, "a field's line is no name, colon and value") }
    var value = line[(colon + 1)...]
    while let byte = value.first, HTTPCharacter.isBlank(byte) { value.removeFirst() }
    while let byte = value.last, HTTPCharacter.isBlank(byte) { value.removeLast() }
    guard value.allSatisfy(HTTPCharacter.isInValue) else {
      throw HTTP1Refusal(400, "a field's value has control characters")
    }
    let name = line[..<colon].map { HTTPCharacter.isCapital($0) ? $0 + 0x20 : $0 }
    return HTTPFields.Field(
      String(decoding: name, as: UTF8.self), Array(value).withUnsafeBufferPointer { HTTPCharacter.text($0) })
  }

  /// What must hold of the head as a whole; decides whether the connection stays.
  static func check(_ request: inout HTTP1Request) throws(HTTP1Refusal) {
    let hosts = request.fields.values(of: "host")
    guard hosts.count == 1 || hosts.isEmpty && !request.isHTTP11 else {
      throw HTTP1Refusal(400, "the head has \(hosts.count) host fields and not one")
    }
    guard hosts.allSatisfy({ $0.utf8.allSatisfy { $0 > 0x20 && !",/@#?\\".utf8.contains($0) } }) else {
      throw HTTP1Refusal(400, "the host field names no host")
    }
    let connection = request.fields.values(of: "connection").flatMap(tokens)
    request.keepsAlive = !connection.contains("close") && (request.isHTTP11 || connection.contains("keep-alive"))
  }

  /// RFC 9112 section 6.3. A length that is said twice, or in two ways, is refused and not repaired.
  static func bodyLength(_ request: HTTP1Request) throws(HTTP1Refusal) -> BodyLength {
    let lengths = request.fields.values(of: "content-length")
    let codings = request.fields.values(of: "transfer-encoding")
    guard codings.isEmpty else {
      guard lengths.isEmpty else { throw HTTP1Refusal(400, "the body has a length and a transfer coding") }
      guard request.isHTTP11 else { throw HTTP1Refusal(400, "HTTP/1.0 has no transfer codings") }
      let names = codings.flatMap(tokens)
      guard names.last == "chunked", names.count(where: { $0 == "chunked" }) == 1 else {
        throw HTTP1Refusal(400, "the last transfer coding is not chunked, or it is not the only one of that name")
      }
      guard names.count == 1 else { throw HTTP1Refusal(501, "a transfer coding other than chunked") }
      return .chunks
    }
    guard let text = lengths.first else { return .none }
    guard lengths.count == 1, !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
      throw HTTP1Refusal(400, "the content length is not one number")
    }
    guard let length = Int(text) else { throw HTTP1Refusal(413, "the content length is too large to be read") }
    return .bytes(length)
  }

  /// Whether the client waits for `100 Continue` (RFC 9110 section 10.1.1); HTTP/1.0 does not know it.
  static func wantsContinue(_ request: HTTP1Request) throws(HTTP1Refusal) -> Bool {
    guard request.isHTTP11, let expectation = request.fields["expect"] else { return false }
    guard expectation.lowercased() == "100-continue" else {
      throw HTTP1Refusal(417, "the client expects something other than 100-continue")
    }
    return true
  }

  /// A chunk's size in hexadecimal digits; what follows a semicolon is ignored: RFC 9112 section 7.1.
  static func chunkSize(_ line: [UInt8]) throws(HTTP1Refusal) -> Int {
    let digits = line.prefix { $0 != UInt8(ascii: ";") }
    guard !digits.isEmpty, digits.count <= 15, line.allSatisfy(HTTPCharacter.isInValue) else {
      throw HTTP1Refusal(400, "a chunk's size is not one to fifteen hexadecimal digits")
    }
    var size = 0
    for digit in digits {
      guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else {
        throw HTTP1Refusal(400, "a chunk's size has characters that are no hexadecimal digits")
      }
      size = size << 4 | value
    }
    return size
  }

  /// The tokens of a list, in lower case.
  private static func tokens(_ value: String) -> [String] {
    value.split(separator: ",").map { part in
      let trimmed = part.drop { $0 == " " || $0 == "\t" }
      let end = trimmed.lastIndex { $0 != " " && $0 != "\t" }
      return (end.map { trimmed[...$0] } ?? "").lowercased()
    }
  }
}
