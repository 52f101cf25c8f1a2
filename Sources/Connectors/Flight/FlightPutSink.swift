import Arrow
import Base
import Dataflow
import Flight
import Observability

/// Where a Flight sink puts rows, as its options say.
struct FlightPutting: Sendable {
  let peer: FlightPeer
  let descriptor: FlightDescriptor
  let buffer: Int
  /// The server acknowledges each message.
  let acknowledges: Bool
  /// Where the rows of an epoch wait until it is complete, ends with "/"; nil: the server has rows as soon as they are put.
  let spool: String?

  init(_ options: inout ConnectorOptions, _ log: EventLog?) throws(Failure) {
    peer = try FlightPeer(&options, log)
    let parts = try options.requiredStrings("path", meaning: "the flight's path, or an array of its parts")
    descriptor = FlightDescriptor(kind: .path, path: parts)
    buffer = try BuiltinConnectors.flightBuffer(&options)
    acknowledges = try options.bool("acknowledges", default: false)
    let folder =
      options.value("spool") == nil
      ? nil : try options.requiredString("spool", meaning: "a folder where rows wait for their checkpoint")
    spool = folder.map { $0.hasSuffix("/") ? $0 : "\($0)/" }
  }
}

/// Puts rows to a server of Flight.
///
/// What was put counts as stored when the server has ended its stream with OK: a flush ends the stream, and the next row begins
/// another one. A server that acknowledges each message has one stream, and is waited for instead.
final class FlightPutSink: Sink {
  let blocks = true
  private let putting: FlightPutting
  private let schema: IPCSchema
  private let session: FlightSession
  /// Nothing stops a sink: only to wait with.
  private let intake = FlightIntake(limit: 0)
  private let patience = FlightPatience()
  private var put: FlightPut?
  /// Messages of that stream: the schema's is not counted.
  private var sent = 0

  init(_ putting: FlightPutting, _ schema: Schema) throws(Failure) {
    self.putting = putting
    self.schema = IPCSchema(schema.fields)
    session = try FlightSession(putting.peer)
  }

  func open() throws(Failure) {
    do throws(Failure) { _ = try session.logIn(intake) } catch {
      session.close()
      throw error
    }
  }

  func stop() { patience.stop() }

  func write(_ batch: RecordBatch) throws(Failure) {
    let put = try begun()
    guard put.give(batch) else { throw ended(put) }
    sent += 1
  }

  func flush() throws(Failure) {
    guard let put, sent > 0 else { return }
    guard putting.acknowledges else { return try finish(put) }
    guard put.waitForAcknowledgements(sent, until: deadline) >= sent else {
      throw put.status == nil ? late("acknowledged what was put (its option 'acknowledges')") : ended(put)
    }
  }

  func close(complete: Bool) throws(Failure) {
    defer {
      put?.giveUp()
      put = nil
      session.close()
    }
    if complete, let put { try finish(put) }
  }

  private func begun() throws(Failure) -> FlightPut {
    if let put { return put }
    let begun = try session.put(schema, to: putting.descriptor, limit: putting.buffer, patience)
    (put, sent) = (begun, 0)
    return begun
  }

  private func finish(_ put: FlightPut) throws(Failure) {
    self.put = nil
    guard let status = put.finish(until: deadline) else {
      put.giveUp()
      throw late("ended the stream")
    }
    guard status.isOK else { throw session.failure(status, what) }
  }

  private var what: String { "DoPut to \(FlightTarget.shown(putting.descriptor))" }

  private var deadline: MonotonicTime { .now + putting.peer.timeout.wholeNanoseconds }

  private func late(_ what: String) -> Failure {
    let time =
      patience.stopped == nil
      ? "within \(putting.peer.timeout); see its option 'timeout'" : "when the job was to stop"
    return Failure(.io, retryable: true, "\(putting.peer.place): \(putting.peer.location) has not \(what) \(time)")
  }

  /// Why a stream ended that should go on.
  private func ended(_ put: FlightPut) -> Failure {
    guard let status = put.status else { return late("taken what was put") }
    return session.failure(status, what)
  }
}
