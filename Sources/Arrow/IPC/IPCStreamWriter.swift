import Base

/// Writes the Arrow stream format. A dictionary that only grew is told by its further values, one that changed anew.
/// One thread at a time.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
public struct IPCStreamWriter {
  private var messages: MessageWriter

  /// Writes the schema.
  public init(
    _ schema: IPCSchema, options: IPCWriteOptions = IPCWriteOptions(), to output: inout some IPCOutput
  ) throws(Failure) {
    messages = try MessageWriter(schema, options: options, allowsReplacement: true, position: 0)
    try messages.writeSchema(to: &output)
  }

  /// Writes the rows that count of a batch, which has the fields of the schema.
  public mutating func write(_ batch: RecordBatch, to output: inout some IPCOutput) throws(Failure) {
    _ = try messages.write(batch, to: &output)
  }

  /// Writes the end mark. Nothing may be written after it.
  public mutating func finish(to output: inout some IPCOutput) throws(Failure) { try messages.writeEnd(to: &output) }

  /// Bytes written so far.
  public var byteCount: Int { messages.position }
}
