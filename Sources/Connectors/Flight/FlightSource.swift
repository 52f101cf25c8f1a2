import Arrow
import Base
import Dataflow
import Flight
import Synchronization

/// What the subtasks of a Flight source share.
final class FlightReading: Sendable {
  let peer: FlightPeer
  let target: FlightTarget
  let schema: Schema
  /// Bytes that wait for the reading thread at most.
  let buffer: Int
  let reading: IPCReadOptions
  private let found = Mutex<[FlightEndpoint]?>(nil)

  init(_ peer: FlightPeer, _ target: FlightTarget, _ schema: Schema, buffer: Int, reading: IPCReadOptions) {
    self.peer = peer
    self.target = target
    self.schema = schema
    self.buffer = buffer
    self.reading = reading
  }

  /// The flight's endpoints: those that the first subtask was told, so that all share out the same.
  ///
  /// - Returns: nil when the connector was stopped in the meantime.
  func endpoints(_ session: FlightSession, _ intake: FlightIntake) throws(Failure) -> [FlightEndpoint]? {
    guard case .descriptor(let descriptor) = target else {
      guard case .ticket(let ticket) = target else { return nil }
      return try session.logIn(intake) ? [FlightEndpoint(ticket: Ticket(ticket: ticket))] : nil
    }
    if let found = found.withLock({ $0 }) { return try session.logIn(intake) ? found : nil }
    let info = try session.ask("GetFlightInfo of \(target)", intake) { (client, call) async throws(GRPCStatus) in
      try await client.flightInfo(descriptor, call)
    }
    guard let info else { return nil }
    found.withLock { $0 = info.endpoints }
    return info.endpoints
  }
}

/// Reads a flight from a server: its endpoints one after the other, shared out among the subtasks.
///
/// An endpoint is a split; its position is a number of rows, which are read again and passed when the source goes on. That gives each
/// row once if the server gives the same rows in the same order for the endpoint.
final class FlightSource: BoundedSource {
  let blocks = true
  private let reading: FlightReading
  private let index: Int
  private let parallelism: Int
  let intake: FlightIntake
  private let session: FlightSession
  private var former: [FlightPosition]?
  private var bounds: [FlightPosition]?
  /// This subtask's.
  private var splits: [FlightSplit] = []
  /// Of the split that is read, or that comes next.
  private var current = 0
  private var flight: IncomingFlight?
  private var rest: RecordBatch?

  init(_ reading: FlightReading, index: Int, parallelism: Int) throws(Failure) {
    self.reading = reading
    self.index = index
    self.parallelism = parallelism
    intake = FlightIntake(limit: reading.buffer)
    session = try FlightSession(reading.peer)
  }

  private var place: String { reading.peer.place }

  func open() throws(Failure) {
    do throws(Failure) {
      guard let endpoints = try reading.endpoints(session, intake) else { return }
      var splits = try FlightSplit.splits(
        endpoints, reading.target, former: former, place: place,
        isSecure: reading.peer.location.isSecure)
      if let bounds {
        splits = splits.compactMap { split in
          guard let bound = bounds.first(where: { $0.split == split.position.split }) else { return nil }
          var split = split
          split.bound = bound.isDone ? nil : bound.rows
          return split
        }
      }
      self.splits = splits.enumerated().filter { $0.offset % parallelism == index }.map(\.element)
    } catch {
      session.close()
      throw error
    }
  }

  func stop() { intake.stop() }

  func close() {
    if let flight { FlightIntake.cancel(flight.stream) }
    (flight, rest) = (nil, nil)
    session.close()
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = MonotonicTime.now + timeout.wholeNanoseconds
    while !intake.isStopped {
      if let batch = rest { return .batch(take(batch, maxRows)) }
      guard current < splits.count else { return .end }
      if splits[current].position.isDone || splits[current].bound == splits[current].position.rows {
        finishSplit()
        continue
      }
      if flight == nil { try begin(splits[current]) }
      switch intake.take(until: deadline) {
      case .nothing: return .idle
      case .stopped: return .end
      case .entry(let entry):
        // Others are of a stream that was given up.
        if entry.flight === flight { try take(entry) }
      }
    }
    return .end
  }

  private func begin(_ split: FlightSplit) throws(Failure) {
    let options = try session.callOptions(isStream: true)
    let (intake, reading) = (intake, reading.reading)
    // Where the loop leaves it before the call begins; loops of connectors do not end.
    let made = Monitor<IncomingFlight?>(nil)
    session.client(at: split.location).get(Ticket(ticket: split.position.ticket), options) { stream in
      let flight = IncomingFlight(stream, intake, reader: FlightBatchReader(options: reading))
      made.withLock { $0 = flight }
      made.broadcast()
      return flight
    }
    flight = made.wait { $0 }
  }

  private func take(_ entry: FlightIntake.Entry) throws(Failure) {
    switch entry.event {
    case .data(let data):
      do throws(Failure) { rest = try unpassed(data, entry.flight) } catch { throw error.within(place) }
    case .sentAll: break
    case .closed(let status):
      flight = nil
      guard status.isOK else { throw session.failure(status, what, at: splits[current].location) }
      let position = splits[current].position
      guard entry.flight.rows >= position.rows else {
        throw Failure(
          .data,
          "\(place): \(what) gives \(entry.flight.rows) rows, and the checkpoint goes on behind \(position.rows); bring them back, or "
            + "begin the source anew (--reset-source)")
      }
      splits[current].position.isDone = true
    }
  }

  /// The rows of a message that are to be given; nil: none.
  private func unpassed(_ data: FlightData, _ flight: IncomingFlight) throws(Failure) -> RecordBatch? {
    let element: FlightBatchReader.Element?
    do throws(Failure) { element = try flight.reader.take(data) } catch { throw error.within(what) }
    switch element {
    case nil, .appMetadata: return nil
    case .schema(let schema, _):
      flight.columns = try ArrowColumns(reading.schema, in: schema.fields, of: what)
      return nil
    case .batch(let batch, _):
      guard let batch = try flight.columns?.take(batch, of: what) else { return nil }
      let (begin, split) = (flight.rows, splits[current])
      flight.rows += Int64(batch.length)
      let first = Int(min(max(0, split.position.rows - begin), Int64(batch.length)))
      let end = Int(min(Int64(batch.length), (split.bound ?? .max) - begin))
      return first < end ? batch.slice(first..<end) : nil
    }
  }

  /// What is read, as messages name it.
  private var what: String {
    let split = splits[current]
    return "DoGet of the ticket \(FlightTarget.shown(split.position.ticket))"
  }

  private func take(_ batch: RecordBatch, _ maxRows: Int) -> RecordBatch {
    let count = min(maxRows, batch.length)
    rest = count < batch.length ? batch.slice(count..<batch.length) : nil
    splits[current].position.rows += Int64(count)
    return batch.slice(0..<count)
  }

  private func finishSplit() {
    if let flight { FlightIntake.cancel(flight.stream) }
    flight = nil
    current += 1
  }
}

extension FlightSource {
  func positions() throws(Failure) -> [SplitPosition] { splits.map(\.position.named) }

  func resume(at positions: [SplitPosition]) throws(Failure) { former = try read(positions) }

  func end(at positions: [SplitPosition]) throws(Failure) { bounds = try read(positions) }

  private func read(_ positions: [SplitPosition]) throws(Failure) -> [FlightPosition] {
    var read: [FlightPosition] = []
    for position in positions { read.append(try FlightPosition(position, place: place)) }
    return read
  }
}
