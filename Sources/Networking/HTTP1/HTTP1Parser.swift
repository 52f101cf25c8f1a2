/// Reads requests from bytes that come in pieces: RFC 9112. Pure.
///
/// Strict where two readers could understand the same bytes differently, which is how requests are smuggled past a proxy: lines
/// end with CR LF and nothing else, no field is folded, a body has one length.
struct HTTP1Parser {
  enum Progress: Equatable {
    /// All bytes are taken, and the request is not complete.
    case needsMore
    /// The client waits for a word before it sends the body (RFC 9110 section 10.1.1). Told before any byte of that is taken.
    case wantsContinue
    case request(HTTP1Request)
  }

  enum Phase {
    case beforeLine
    case line
    case fields
    case body(left: Int)
    case chunkSize
    case chunk(left: Int)
    case chunkEnd
    case trailers
  }

  private(set) var phase = Phase.beforeLine
  private let options: HTTP1Options
  /// The line that is being read, without its end.
  private var line: [UInt8] = []
  private var hasCarriageReturn = false
  /// Bytes of the head, or of the lines around chunks, so far.
  private var headByteCount = 0
  /// Empty lines before the request.
  private var emptyLines = 0
  private var request: HTTP1Request?

  init(_ options: HTTP1Options) { self.options = options }

  /// Whether a request has begun.
  var isInRequest: Bool {
    if case .beforeLine = phase { return !line.isEmpty || hasCarriageReturn }
    return true
  }

  /// Whether a request's head is complete and its body is not.
  var isInBody: Bool {
    switch phase {
    case .beforeLine, .line, .fields: false
    case .body, .chunkSize, .chunk, .chunkEnd, .trailers: true
    }
  }

  /// Takes bytes up to the end of a request.
  ///
  /// - Parameter offset: where to go on; afterwards where to go on next time.
  /// - Throws: a refusal, after which the parser is not used again.
  mutating func parse(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) throws(HTTP1Refusal) -> Progress {
    while true {
      switch phase {
      case .beforeLine, .line, .fields, .chunkSize, .chunkEnd, .trailers:
        guard try readLine(bytes, at: &offset) else { return .needsMore }
        let ended = line
        line.removeAll(keepingCapacity: true)
        if let progress = try finish(ended) { return progress }
      case .body(let left):
        let part = take(min(left, bytes.count - offset), bytes, at: &offset)
        if part == left { return .request(finishRequest()) }
        phase = .body(left: left - part)
        return .needsMore
      case .chunk(let left):
        let part = take(min(left, bytes.count - offset), bytes, at: &offset)
        phase = part == left ? .chunkEnd : .chunk(left: left - part)
        if part < left { return .needsMore }
      }
    }
  }

  private mutating func take(_ count: Int, _ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Int {
    request?.body.append(contentsOf: bytes[offset..<(offset + count)])
    offset += count
    return count
  }

  /// Reads on to a line's end.
  ///
  /// - Returns: whether the line is complete; its end is not part of ``line``.
  private mutating func readLine(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) throws(HTTP1Refusal) -> Bool {
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      headByteCount += 1
      if hasCarriageReturn {
        guard byte == 0x0A else { throw HTTP1Refusal(400, "a carriage return is not followed by a line feed") }
        hasCarriageReturn = false
        return true
      }
      switch byte {
      case 0x0D: hasCarriageReturn = true
      case 0x0A: throw HTTP1Refusal(400, "a line ends without a carriage return")
      default:
        if case .beforeLine = phase { phase = .line }
        line.append(byte)
      }
      try checkBounds()
    }
    return false
  }

  private func checkBounds() throws(HTTP1Refusal) {
    if case .line = phase, line.count > options.maxRequestLine {
      throw HTTP1Refusal(414, "the request's first line has more than \(options.maxRequestLine) bytes")
    }
    if headByteCount > options.maxHead {
      throw HTTP1Refusal(431, "the request's head has more than \(options.maxHead) bytes")
    }
  }

  /// What a line means where it stands.
  private mutating func finish(_ line: [UInt8]) throws(HTTP1Refusal) -> Progress? {
    switch phase {
    case .beforeLine:
      // An empty line before a request is forgiven (RFC 9112 section 2.2), many are not.
      emptyLines += 1
      guard emptyLines <= 4 else { throw HTTP1Refusal(400, "empty lines come instead of a request") }
      headByteCount = 0
    case .line:
      request = try HTTP1Head.request(line)
      phase = .fields
    case .fields:
      guard line.isEmpty else {
        try addField(line)
        return nil
      }
      return try finishHead()
    case .chunkSize:
      let size = try HTTP1Head.chunkSize(line)
      guard size > 0 else {
        phase = .trailers
        return nil
      }
      guard size <= options.maxBody - (request?.body.count ?? 0) else { throw tooLarge }
      // What surrounds a chunk is bounded for each of them, and a body has at most as many as bytes.
      headByteCount = 0
      phase = .chunk(left: size)
    case .chunkEnd:
      guard line.isEmpty else { throw HTTP1Refusal(400, "a chunk is longer than its size says") }
      phase = .chunkSize
    case .trailers:
      guard line.isEmpty else {
        _ = try HTTP1Head.field(line)
        return nil
      }
      return .request(finishRequest())
    case .body, .chunk: preconditionFailure("bodies are not read by lines")
    }
    return nil
  }

  private mutating func addField(_ line: [UInt8]) throws(HTTP1Refusal) {
    guard (request?.fields.count ?? 0) < options.maxFields else {
      throw HTTP1Refusal(431, "the request's head has more than \(options.maxFields) fields")
    }
    let field = try HTTP1Head.field(line)
    request?.fields.append(field.name, field.value)
  }

  private var tooLarge: HTTP1Refusal { HTTP1Refusal(413, "the request's body has more than \(options.maxBody) bytes") }

  /// The head is complete: how the body comes.
  private mutating func finishHead() throws(HTTP1Refusal) -> Progress? {
    guard var request else { preconditionFailure("a head begins with a request's line") }
    try HTTP1Head.check(&request)
    self.request = request
    headByteCount = 0
    switch try HTTP1Head.bodyLength(request) {
    case .none, .bytes(0): return .request(finishRequest())
    case .bytes(let count):
      guard count <= options.maxBody else { throw tooLarge }
      phase = .body(left: count)
    case .chunks: phase = .chunkSize
    }
    return try HTTP1Head.wantsContinue(request) ? .wantsContinue : nil
  }

  private mutating func finishRequest() -> HTTP1Request {
    guard let finished = request else { preconditionFailure("a request ends after it began") }
    request = nil
    phase = .beforeLine
    headByteCount = 0
    emptyLines = 0
    return finished
  }
}
