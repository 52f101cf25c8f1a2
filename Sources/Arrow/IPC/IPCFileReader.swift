import Base

/// Reads the batches of an Arrow file, in any order, as views of its bytes. One thread at a time.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
public struct IPCFileReader {
  public let schema: IPCSchema
  private let bytes: SharedBytes
  private let batches: [IPCBlock]
  private var decoder: IPCDecoder
  private let options: IPCReadOptions

  /// What a file begins and ends with.
  static let magic = Array("ARROW1".utf8)

  /// Whether bytes are an Arrow file rather than a stream, by their first six.
  public static func isFile(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: magic) }

  /// Reads the footer and the dictionaries.
  public init(
    _ bytes: SharedBytes, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) {
    let footer = try IPCFooter(bytes, options: options)
    schema = footer.schema
    batches = footer.batches
    self.bytes = bytes
    self.options = options
    decoder = try IPCDecoder(schema, allowsReplacement: false, options: options)
    for block in footer.dictionaries {
      let (message, body) = try block.message(bytes, options: options)
      guard message.kind == .dictionary else {
        throw IPCFooter.damage("it calls a \(message.kind) message a dictionary")
      }
      _ = try decoder.take(message, body: body)
    }
  }

  /// Batches in the file.
  public var batchCount: Int { batches.count }

  /// - Parameter index: 0..<batchCount.
  public mutating func batch(_ index: Int) throws(Failure) -> RecordBatch {
    let (message, body) = try batches[index].message(bytes, options: options)
    guard message.kind == .batch else { throw IPCFooter.damage("it calls a \(message.kind) message a batch") }
    return try decoder.batch(message, body: body)
  }
}

/// The end of an Arrow file, which tells where everything lies.
/// Source: https://github.com/apache/arrow/blob/main/format/File.fbs
struct IPCFooter {
  let schema: IPCSchema
  let dictionaries: [IPCBlock]
  let batches: [IPCBlock]

  /// Bytes behind the footer: its size, and the magic.
  private static let tail = 4 + IPCFileReader.magic.count

  init(_ bytes: SharedBytes, options: IPCReadOptions) throws(Failure) {
    let magic = IPCFileReader.magic
    let all = UnsafeRawBufferPointer(start: bytes.address, count: bytes.count)
    guard IPCFileReader.isFile(all) else {
      throw Failure(.data, "the file does not begin with 'ARROW1'; it is no Arrow file, or one in the stream format")
    }
    guard bytes.count >= 8 + Self.tail, all.suffix(magic.count).elementsEqual(magic) else {
      throw Failure(.data, "the Arrow file does not end with 'ARROW1'; its writer was stopped, or it was cut off")
    }
    let size = Int(bytes.integer(at: bytes.count - Self.tail, Int32.self))
    guard size > 0, size <= options.headerBytes, size <= bytes.count - Self.tail - 8 else {
      throw Self.damage("it says to have \(size) bytes, and the file has \(bytes.count)")
    }
    let start = bytes.count - Self.tail - size
    let flat = FlatBytes(bytes.part(start, size), "the footer of the Arrow file")
    let footer = try flat.root()
    try IPCMessage.version(try footer.integer(0, default: Int16(0)))
    schema = try IPCSchema(flat: try footer.table(1, "schema"), options: options)
    dictionaries = try Self.blocks(footer, 2, end: start)
    batches = try Self.blocks(footer, 3, end: start)
  }

  static func damage(_ finding: String) -> Failure {
    Failure(.data, "the footer of the Arrow file is damaged: \(finding); write the file anew")
  }

  /// - Parameter end: where the footer begins, before which all messages lie.
  private static func blocks(_ footer: FlatTable, _ slot: Int, end: Int) throws(Failure) -> [IPCBlock] {
    let structs = try footer.structs(slot, stride: 24)
    var blocks: [IPCBlock] = []
    blocks.reserveCapacity(structs.count)
    for index in 0..<structs.count {
      let start: Int64 = structs.integer(index, 0)
      let header: Int32 = structs.integer(index, 8)
      let body: Int64 = structs.integer(index, 16)
      guard start >= 8, header > 8, body >= 0, start <= end, header <= Int64(end) - start,
        body <= Int64(end) - start - Int64(header)
      else {
        throw damage("it has a message of \(header) and \(body) bytes at byte \(start), and the messages end at \(end)")
      }
      blocks.append(IPCBlock(start: Int(start), headerLength: Int(header), bodyLength: Int(body)))
    }
    return blocks
  }
}

/// Where a message lies in a file.
struct IPCBlock {
  var start: Int
  /// Bytes of the prefix and the header.
  var headerLength: Int
  var bodyLength: Int

  func message(_ bytes: SharedBytes, options: IPCReadOptions) throws(Failure) -> (IPCMessage, body: SharedBytes) {
    let front = UnsafeRawBufferPointer(start: bytes.address + start, count: min(headerLength, 8))
    guard case .header(let size, let prefix) = try IPCMessage.prefix(front, options: options),
      size <= headerLength - prefix
    else { throw IPCFooter.damage("there is no message of \(headerLength) bytes at byte \(start)") }
    let message = try IPCMessage(bytes.part(start + prefix, size), options: options)
    guard message.bodyLength <= bodyLength else {
      throw IPCFooter.damage(
        "the message at byte \(start) has a body of \(message.bodyLength) bytes, and the footer knows \(bodyLength)")
    }
    return (message, bytes.part(start + headerLength, message.bodyLength))
  }
}
