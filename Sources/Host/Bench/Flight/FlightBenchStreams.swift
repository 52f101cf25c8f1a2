import Arrow
import Base
import Flight
import VolleyPlan

/// One end of a stream that sends a batch so many times, or none, and reads what comes.
///
/// Belongs to its stream's loop.
final class TransferStream: FlightStreamHandler {
  /// How a transfer ended, for the thread that waits.
  struct Outcome: Sendable {
    /// What came in.
    var received = Checksum()
    /// What the other side told that it got, by DoPut.
    var acknowledged: Checksum?
    var status = GRPCStatus(.ok)
  }

  private let batch: RecordBatch?
  private let times: Int
  private var left: Int
  private var sendsNoMore = false
  private var writer: FlightBatchWriter
  private var reader = FlightBatchReader()
  private var outcome = Outcome()
  private let sentBytes: Monitor<Int>?
  private let whenDone: @Sendable (Outcome) -> Void

  /// - Parameters:
  ///   - descriptor: a client's, of DoPut and DoExchange.
  ///   - batch: nil where nothing is sent.
  ///   - sentBytes: is told how many bytes of bodies were sent each time that there is no room for more.
  init(
    _ descriptor: FlightDescriptor? = nil, sending batch: RecordBatch? = nil, times: Int = 0,
    countingIn sentBytes: Monitor<Int>? = nil, whenDone: @escaping @Sendable (Outcome) -> Void = { _ in }
  ) {
    writer = FlightBatchWriter(descriptor: descriptor)
    self.batch = batch
    left = times
    self.times = times
    self.sentBytes = sentBytes
    self.whenDone = whenDone
  }

  override func began(on stream: FlightStream) {
    guard let batch else { return }
    orEnd(stream) { () throws(Failure) in
      try stream.send { queue throws(Failure) in try writer.begin(IPCSchema(batch.schema.fields), to: &queue) }
      try sendWhileThereIsRoom(batch, stream)
    }
  }

  override func hasRoom(on stream: FlightStream) {
    guard let batch else { return }
    orEnd(stream) { () throws(Failure) in try sendWhileThereIsRoom(batch, stream) }
  }

  private func sendWhileThereIsRoom(_ batch: RecordBatch, _ stream: FlightStream) throws(Failure) {
    while stream.hasRoom, !sendsNoMore {
      guard left > 0 else {
        sendsNoMore = true
        return stream.finish()
      }
      left -= 1
      try stream.send { queue throws(Failure) in try writer.write(batch, to: &queue) }
    }
    guard let sentBytes else { return }
    sentBytes.withLock { $0 = (times - left) * batch.length * FlightBenchBatch.rowBytes }
    sentBytes.broadcast()
  }

  override func received(_ data: FlightData, on stream: FlightStream) {
    orEnd(stream) { () throws(Failure) in
      if case .batch(let batch, _) = try reader.take(data) { outcome.received.add(firstColumnOf: batch) }
    }
  }

  override func received(_ result: PutResult, on stream: FlightStream) {
    outcome.acknowledged = Checksum(acknowledgement: result.appMetadata)
  }

  /// On a server, of DoPut.
  override func receivedEnd(on stream: FlightStream) {
    stream.send(PutResult(appMetadata: outcome.received.acknowledgement))
    stream.finish()
  }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) {
    outcome.status = status
    whenDone(outcome)
  }
}

/// A server's end that sends back what comes: batches, and messages without any.
final class EchoStream: FlightStreamHandler {
  private var reader = FlightBatchReader()
  private var writer = FlightBatchWriter()

  override func received(_ data: FlightData, on stream: FlightStream) {
    orEnd(stream) { () throws(Failure) in
      switch try reader.take(data) {
      case .schema(let schema, _):
        try stream.send { queue throws(Failure) in try writer.begin(schema, to: &queue) }
      case .batch(let batch, _):
        try stream.send { queue throws(Failure) in try writer.write(batch, to: &queue) }
      case .appMetadata(let bytes):
        try stream.send { queue throws(Failure) in try writer.write(appMetadata: bytes, to: &queue) }
      case nil:
        try stream.send { queue throws(Failure) in try writer.write(appMetadata: [], to: &queue) }
      }
    }
    if !stream.hasRoom { stream.pause() }
  }

  override func hasRoom(on stream: FlightStream) { stream.resume() }
  override func receivedEnd(on stream: FlightStream) { stream.finish() }
}

extension FlightStreamHandler {
  /// Ends the stream when `body` fails: the other end is told, and ours by ``closed(_:on:)``.
  func orEnd(_ stream: FlightStream, _ body: () throws(Failure) -> Void) {
    do throws(Failure) { try body() } catch { stream.finish(GRPCStatus(error)) }
  }
}

extension Checksum {
  /// Counts a batch's rows and sums its first column up. Not all of them, so that it is the transport that is measured.
  mutating func add(firstColumnOf batch: RecordBatch) {
    add(batch.columns[0].values(UInt64.self), count: batch.length)
    rows += batch.length
  }

  /// As both servers acknowledge a DoPut: rows and sum as text.
  var acknowledgement: [UInt8] { Array("\(rows) \(bits)".utf8) }

  init?(acknowledgement: [UInt8]) {
    let words = String(decoding: acknowledgement, as: UTF8.self).split(separator: " ")
    guard words.count == 2, let rows = Int(words[0]), let bits = UInt64(words[1]) else { return nil }
    self.init(rows: rows, bits: bits)
  }
}
