import Arrow
import Base
import Flight

extension FlightSession {
  /// Begins a DoPut.
  ///
  /// - Parameter limit: bytes of rows that wait at most.
  func put(
    _ schema: IPCSchema, to descriptor: FlightDescriptor, limit: Int, _ patience: FlightPatience
  ) throws(Failure) -> FlightPut {
    let options = try callOptions(isStream: true)
    let made = Monitor<FlightPut?>(nil)
    client().put(options) { stream in
      let put = FlightPut(stream, schema, descriptor, limit: limit, patience)
      made.withLock { $0 = put }
      made.broadcast()
      return put
    }
    // Loops of connectors do not end: it is made.
    guard let begun = made.wait(for: { $0 }) else {
      preconditionFailure("without a deadline the waiting ends with a value")
    }
    return begun
  }
}

/// A DoPut: rows on their way to a server.
///
/// `state` has a lock; all other fields belong to the stream's loop, where the writer's thread has work done: that is what makes
/// it `Sendable`.
final class FlightPut: FlightStreamHandler, @unchecked Sendable {
  private struct State {
    /// Bytes of batches that have no room in the stream.
    var waiting = 0
    /// Messages that the server has acknowledged.
    var acknowledged = 0
    /// How the stream ended.
    var status: GRPCStatus?
  }

  private let state = Monitor(State())
  private let stream: FlightStream
  private let schema: IPCSchema
  private let limit: Int
  private let patience: FlightPatience
  private var writer: FlightBatchWriter
  private var waiting = WaitingBatches()
  private var isEnding = false
  /// All was given to the stream, with its end.
  private var isGiven = false
  /// Goes behind the last batch, in a message of its own; nil: no such message.
  private var lastMetadata: [UInt8]?

  /// - Parameter limit: bytes that wait at most, beside one batch and what the connection holds.
  init(
    _ stream: FlightStream, _ schema: IPCSchema, _ descriptor: FlightDescriptor, limit: Int, _ patience: FlightPatience
  ) {
    self.patience = patience
    self.stream = stream
    self.schema = schema
    self.limit = limit
    writer = FlightBatchWriter(descriptor: descriptor)
  }

  // MARK: The writer's thread

  /// Waits for room.
  ///
  /// - Returns: false when the stream has ended, or there was no room by the deadline.
  func give(_ batch: RecordBatch, until deadline: MonotonicTime? = nil) -> Bool {
    let byteCount = batch.byteCount
    let limit = limit
    let isOpen = patience.wait(on: state, until: deadline) { (state: inout State) -> Bool? in
      if state.status != nil { return false }
      guard state.waiting == 0 || state.waiting + byteCount <= limit else { return nil }
      state.waiting += byteCount
      return true
    }
    guard isOpen == true else { return false }
    return stream.execute { [self] in
      waiting.append(batch, byteCount)
      send()
    }
  }

  /// How the stream ended; nil: it has not.
  var status: GRPCStatus? { state.withLock { $0.status } }

  /// Sends no more, and waits for the server's status; nil: it has not come by the deadline.
  ///
  /// - Parameter metadata: goes behind the last batch, in a message without rows; nil: there is no such message.
  func finish(with metadata: [UInt8]? = nil, until deadline: MonotonicTime) -> GRPCStatus? {
    stream.execute { [self] in
      lastMetadata = metadata
      isEnding = true
      send()
    }
    return patience.wait(on: state, until: deadline) { $0.status }
  }

  /// Waits until the server has acknowledged so many messages, or the stream has ended.
  ///
  /// - Returns: how many it has.
  func waitForAcknowledgements(_ count: Int, until deadline: MonotonicTime) -> Int {
    _ = patience.wait(on: state, until: deadline) { $0.acknowledged >= count || $0.status != nil ? true : nil }
    return state.withLock { $0.acknowledged }
  }

  func giveUp() {
    stream.execute { [self] in stream.finish(GRPCStatus(.cancelled, "the writer does not go on")) }
  }

  // MARK: The loop

  override func began(on stream: FlightStream) {
    do throws(Failure) {
      try stream.send { queue throws(Failure) in try writer.begin(schema, to: &queue) }
    } catch { stream.finish(GRPCStatus(error)) }
    send()
  }

  override func hasRoom(on stream: FlightStream) { send() }

  override func received(_ result: PutResult, on stream: FlightStream) {
    state.withLock { $0.acknowledged += 1 }
    state.broadcast()
  }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) {
    waiting.removeAll()
    // A server that says OK before it was sent all has not got what it was not sent.
    let isEarly = status.isOK && !(isGiven && stream.hasSentAll)
    let told = isEarly ? GRPCStatus(.unavailable, "it ended the stream before all was put") : status
    state.withLock { $0.status = told }
    state.broadcast()
  }

  private func send() {
    // What is given before the stream has begun waits for it.
    guard writer.schema != nil else { return }
    do throws(Failure) {
      try waiting.send(to: stream, with: &writer) { byteCount in
        state.withLock { $0.waiting -= byteCount }
        state.broadcast()
      }
    } catch {
      waiting.removeAll()
      return stream.finish(GRPCStatus(error))
    }
    guard waiting.isEmpty, isEnding else { return }
    if let metadata = lastMetadata.take() {
      do throws(Failure) {
        try stream.send { queue throws(Failure) in try writer.write(appMetadata: metadata, to: &queue) }
      } catch { return stream.finish(GRPCStatus(error)) }
    }
    isGiven = true
    stream.finish()
  }
}
