import Base

/// Writes the Arrow file format. A dictionary may grow from batch to batch, but not change: that is refused before
/// anything of the batch is written. Without the footer, which `finish` writes, the file cannot be read. One thread at
/// a time.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
public struct IPCFileWriter {
  private var messages: MessageWriter
  private var dictionaries: [IPCBlock] = []
  private var batches: [IPCBlock] = []

  /// Writes the beginning of the file, from its first byte on.
  public init(
    _ schema: IPCSchema, options: IPCWriteOptions = IPCWriteOptions(), to output: inout some IPCOutput
  ) throws(Failure) {
    messages = try MessageWriter(schema, options: options, allowsReplacement: false, position: 0)
    try messages.write(IPCFileReader.magic + [0, 0], to: &output)
    try messages.writeSchema(to: &output)
  }

  /// Writes the rows that count of a batch, which has the fields of the schema.
  public mutating func write(_ batch: RecordBatch, to output: inout some IPCOutput) throws(Failure) {
    let blocks = try messages.write(batch, to: &output)
    dictionaries += blocks.dictionaries
    batches.append(blocks.batch)
  }

  /// Writes the footer. Nothing may be written after it.
  public mutating func finish(to output: inout some IPCOutput) throws(Failure) {
    try messages.writeEnd(to: &output)
    let footer = FlatWriter.buffer(
      root: [
        (0, .int16(4)), (1, .table(try messages.schema.flat())), (2, Self.blocks(dictionaries)),
        (3, Self.blocks(batches)),
      ])
    var tail: [UInt8] = []
    withUnsafeBytes(of: Int32(footer.count).littleEndian) { tail.append(contentsOf: $0) }
    try messages.write(footer + tail + IPCFileReader.magic, to: &output)
  }

  private static func blocks(_ blocks: [IPCBlock]) -> FlatValue {
    // The length of the header takes four bytes and four of padding, which together are the same integer.
    .structs(blocks.flatMap { [Int64($0.start), Int64($0.headerLength), Int64($0.bodyLength)] }, integersEach: 3)
  }

  /// Bytes written so far.
  public var byteCount: Int { messages.position }
}
