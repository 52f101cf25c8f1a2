import Base
import VolleyPlan

/// Writes messages one after the other, and the batches' dictionaries in front of them.
struct MessageWriter {
  let schema: IPCSchema
  private let alignment: Int
  private let compression: IPCCompression?
  private var dictionaries: DictionaryTracker
  /// Bytes written so far.
  private(set) var position: Int

  /// - Parameter position: bytes that are before the first message, a multiple of 8.
  init(_ schema: IPCSchema, options: IPCWriteOptions, allowsReplacement: Bool, position: Int) throws(Failure) {
    self.schema = schema
    alignment = options.alignment
    compression = try IPCCompression(options)
    self.position = position
    dictionaries = DictionaryTracker(allowsReplacement: allowsReplacement)
  }

  private enum Kind: Int8 {
    case schema = 1
    case dictionary = 2
    case batch = 3
  }

  mutating func writeSchema(to output: inout some IPCOutput) throws(Failure) {
    _ = try write(.schema, try schema.flat(), [], bodyLength: 0, to: &output)
  }

  /// Writes the rows that count of a batch of the schema.
  ///
  /// - Returns: where the dictionaries' messages lie, and the batch's.
  mutating func write(
    _ batch: RecordBatch, to output: inout some IPCOutput
  ) throws(Failure) -> (dictionaries: [IPCBlock], batch: IPCBlock) {
    precondition(batch.schema.fields == schema.fields, "a batch has the fields of what it is written to")
    let batch = batch.compacted()
    var blocks: [IPCBlock] = []
    for change in try dictionaries.changes(batch) {
      let body = try BatchEncoder(
        [change.values], length: change.values.length, alignment: alignment, compression: compression)
      let header: FlatFields = [
        (0, .int64(Int64(change.number))), (1, .table(body.flat)), (2, .bool(change.isDelta)),
      ]
      blocks.append(try write(.dictionary, header, body.segments, bodyLength: body.bodyLength, to: &output))
    }
    let body = try BatchEncoder(batch.columns, length: batch.length, alignment: alignment, compression: compression)
    let block = try write(.batch, body.flat, body.segments, bodyLength: body.bodyLength, to: &output)
    return (blocks, block)
  }

  /// Writes the mark that ends a stream.
  mutating func writeEnd(to output: inout some IPCOutput) throws(Failure) {
    try write([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], to: &output)
  }

  mutating func write(_ bytes: [UInt8], to output: inout some IPCOutput) throws(Failure) {
    try bytes.withUnsafeBytesThrowing { bytes throws(Failure) in try output.write(bytes) }
    position += bytes.count
  }

  private mutating func write(
    _ kind: Kind, _ header: FlatFields, _ segments: [SharedBytes], bodyLength: Int, to output: inout some IPCOutput
  ) throws(Failure) -> IPCBlock {
    let start = position
    // Version V5.
    var message = FlatWriter.buffer(
      root: [
        (0, .int16(4)), (1, .int8(kind.rawValue)), (2, .table(header)), (3, .int64(Int64(bodyLength))),
      ])
    let end = start + 8 + message.count
    message.append(contentsOf: repeatElement(0, count: padding(end)))
    guard message.count <= Int(Int32.max) else {
      throw Failure(
        .data, "the header of an Arrow message takes \(message.count) bytes, and 2 GiB are possible; use fewer columns")
    }
    var prefix: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    withUnsafeBytes(of: Int32(message.count).littleEndian) { prefix.append(contentsOf: $0) }
    try write(prefix + message, to: &output)
    for segment in segments {
      try withExtendedLifetime(segment.owner) { () throws(Failure) in
        try output.write(UnsafeRawBufferPointer(start: segment.address, count: segment.count))
      }
      position += segment.count
      let gap = padding(segment.count)
      if gap > 0 { try write([UInt8](repeating: 0, count: gap), to: &output) }
    }
    return IPCBlock(start: start, headerLength: 8 + message.count, bodyLength: bodyLength)
  }

  /// Bytes from a place up to the alignment.
  private func padding(_ place: Int) -> Int { (alignment - place % alignment) % alignment }
}

extension Array where Element == UInt8 {
  /// `withUnsafeBytes` for a body that throws a failure: the library's own loses the type of the error.
  fileprivate func withUnsafeBytesThrowing(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let result: Result<Void, Failure> = withUnsafeBytes { bytes in
      do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }
}
