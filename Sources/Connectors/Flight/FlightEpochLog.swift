import Arrow
import Base
import Flight
import VolleyPlan

/// A Flight server that stores rows together with the number of their epoch, one row of numbers for each pipeline, sink and subtask:
/// so that it can be asked what it has, and nothing is stored twice.
///
/// The action `volley.last-epoch` asks, and DoPut stores; README, "Arrow Flight", has the protocol. One thread at a time.
final class FlightEpochLog {
  static let action = "volley.last-epoch"

  let putting: FlightPutting
  private let session: FlightSession
  private let intake = FlightIntake(limit: 0)
  private let patience = FlightPatience()
  private let pipeline: String
  private let uid: String

  init(_ putting: FlightPutting, pipeline: String, uid: String) throws(Failure) {
    self.putting = putting
    self.pipeline = pipeline
    self.uid = uid
    session = try FlightSession(putting.peer)
  }

  /// From any thread.
  func stop() { patience.stop() }

  func close() { session.close() }

  /// Who writes, as the server is told, and then more.
  private func writer(_ subtask: Int, _ more: [JSONValue.Member] = []) -> [UInt8] {
    let members: [JSONValue.Member] = [
      .init("pipeline", .string(pipeline)), .init("uid", .string(uid)), .init("subtask", .int(Int64(subtask))),
    ]
    return Array(JSONValue.object(members + more).text.utf8)
  }

  /// The last epoch of the subtask that the server has; -1: none.
  func last(_ subtask: Int) throws(Failure) -> Int64 {
    let action = Action(type: Self.action, body: writer(subtask))
    let what = "DoAction '\(Self.action)' (its option 'spool' needs it)"
    let answers = try session.ask(what, intake) { (client, call) async throws(GRPCStatus) in
      try await client.act(action, call)
    }
    guard let answers else { throw stopped }
    let body = answers.first?.body ?? []
    guard let json = try? JSONValue.parse(body), let epoch = json["epoch"]?.integer, epoch >= -1 else {
      throw Failure(
        .data,
        "\(putting.peer.place): \(putting.peer.location), \(what) answered "
          + "'\(String(decoding: body.prefix(200), as: UTF8.self))', expected {\"epoch\": N}, -1 for none")
    }
    return epoch
  }

  /// Brings the rows of an epoch to the server, which has them for good when this returns.
  func store(_ epoch: SpooledEpoch) throws(Failure) {
    let bytes: SharedBytes
    do throws(Failure) { bytes = try MappedFile(epoch.file).bytes } catch {
      throw error.within(
        "\(putting.peer.place): \(putting.peer.location) does not have the epoch \(epoch.epoch) of a complete checkpoint, whose "
          + "rows are not there either; bring the file back")
    }
    var reader = try IPCMemoryStreamReader(bytes)
    // The columns are the file's: an earlier version of the pipeline may have written it.
    let put = try session.put(reader.schema, to: putting.descriptor, limit: putting.buffer, patience)
    do throws(Failure) {
      while let batch = try reader.next() {
        if batch.length == 0 { continue }
        guard put.give(batch, until: deadline) else { throw ended(put, "taken the epoch \(epoch.epoch)") }
      }
      let marker = writer(epoch.subtask, [.init("epoch", .int(epoch.epoch)), .init("rows", .int(epoch.rows))])
      guard let status = put.finish(with: marker, until: deadline) else {
        throw ended(put, "stored the epoch \(epoch.epoch)")
      }
      guard status.isOK else { throw session.failure(status, what) }
    } catch {
      put.giveUp()
      throw error
    }
  }

  /// Does what a server may be away for, again and again for as long as the option `timeout` says.
  func persistently(_ body: () throws(Failure) -> Void) throws(Failure) {
    let end = deadline
    var pause: Int64 = 50_000_000
    while true {
      do throws(Failure) { return try body() } catch {
        guard error.retryable, patience.stopped == nil, MonotonicTime.now + pause < end else { throw error }
        guard case .nothing = intake.take(until: .now + pause) else { throw error }
        pause = min(2 * pause, 1_000_000_000)
      }
    }
  }

  private var what: String { "DoPut to \(FlightTarget.shown(putting.descriptor))" }

  private var deadline: MonotonicTime { .now + putting.peer.timeout.wholeNanoseconds }

  private var stopped: Failure {
    Failure(.io, retryable: true, "\(putting.peer.place): \(putting.peer.location): the job was stopped meanwhile")
  }

  /// Why a stream ended before its time, or does not end.
  private func ended(_ put: FlightPut, _ what: String) -> Failure {
    if let status = put.status, !status.isOK { return session.failure(status, self.what) }
    let late =
      patience.stopped == nil ? "within \(putting.peer.timeout); see its option 'timeout'" : "when the job was to stop"
    let reason = put.status == nil ? late : "and ended the stream"
    return Failure(
      .io, retryable: true, "\(putting.peer.place): \(putting.peer.location) has not \(what) \(reason)")
  }
}
