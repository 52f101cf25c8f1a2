import Arrow
import ArrowTestSupport
import Base
import Networking
import TestSupport
import VolleyPlan

@testable import Flight

/// What the tests of streams of batches send and receive.
enum FlightBatches {
  /// A column of every type.
  static let schema = Schema(RandomColumns.types.enumerated().map { Field("c\($0)", $1) })

  static func random(
    _ length: Int, nulls: Int, offset: Int = 0, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    random(schema, length, nulls: nulls, offset: offset, &generator)
  }

  static func random(
    _ schema: Schema, _ length: Int, nulls: Int, offset: Int = 0, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    let columns = schema.fields.map {
      RandomColumns.column($0.type, RandomColumns.values($0.type, length, nulls: nulls, &generator), offset: offset)
    }
    return RecordBatch(schema: schema, columns: columns, length: length)
  }

  /// The bytes of a call that carries these batches, each with its number as metadata.
  static func bytes(
    _ schema: Schema, _ batches: [RecordBatch], descriptor: FlightDescriptor? = nil,
    options: IPCWriteOptions = IPCWriteOptions()
  ) throws(Failure) -> [UInt8] {
    var queue = OutputQueue()
    var writer = FlightBatchWriter(descriptor: descriptor, options: options)
    try writer.begin(IPCSchema(schema.fields), to: &queue)
    for (index, batch) in batches.enumerated() {
      try writer.write(batch, appMetadata: Array("\(index)".utf8), to: &queue)
    }
    return queue.takeAll()
  }

  /// What a call carried.
  struct Received {
    var descriptor: FlightDescriptor?
    var schema: IPCSchema?
    var batches: [RecordBatch] = []
    /// By batch, and in between, as text.
    var metadata: [String] = []
    var bodies: [SharedBytes] = []
  }

  static func read(_ bytes: [UInt8], upTo size: Int, _ generator: inout SeededGenerator) throws -> Received {
    var decoder = FlightDataDecoder()
    var reader = FlightBatchReader()
    var received = Received()
    try bytes.inPieces(upTo: size, &generator) { rest in
      guard let data = try decoder.next(&rest) else { return }
      switch try reader.take(data) {
      case .schema(let schema, _): received.schema = schema
      case .batch(let batch, let metadata):
        received.batches.append(batch)
        received.metadata.append(String(decoding: metadata, as: UTF8.self))
        received.bodies.append(data.body)
      case .appMetadata(let metadata): received.metadata.append(String(decoding: metadata, as: UTF8.self))
      case nil: break
      }
    }
    try decoder.finish()
    received.descriptor = reader.descriptor
    return received
  }
}
