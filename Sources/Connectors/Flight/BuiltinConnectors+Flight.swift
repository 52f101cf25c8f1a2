import Arrow
import Base
import Dataflow
import Flight
import Observability
import VolleyPlan

extension BuiltinConnectors {
  static func flight(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String, _ codecs: CodecSet,
    _ log: EventLog?
  ) throws(Failure) -> SourceFactory {
    let peer = try FlightPeer(&options, log)
    let target = try FlightTarget(&options)
    let buffer = try flightBuffer(&options)
    let isLive = try options.bool("live", default: false)
    let reading = FlightReading(peer, target, schema, buffer: buffer, reading: flightReading(codecs, uid))
    // One ticket is one split.
    var isOne = isLive
    if case .ticket = target { isOne = true }
    let guarantee =
      isLive
      ? DeliveryGuarantee.atMostOnce(reason: "a live flight (its option 'live') does not give its rows again")
      : .exactlyOnce
    return SourceFactory(label: label, maximumParallelism: isOne ? 1 : nil, guarantee: guarantee) {
      context throws(Failure) in
      let source = try FlightSource(reading, index: context.id.index, parallelism: context.parallelism)
      return isLive ? UnrepeatableSource(source) : source
    }
  }

  static func flightSink(
    _ options: inout ConnectorOptions, _ schema: Schema, _ label: String, _ uid: String, _ pipeline: String,
    _ log: EventLog?
  ) throws(Failure) -> SinkFactory {
    let putting = try FlightPutting(&options, log)
    guard let folder = putting.spool else {
      let guarantee = DeliveryGuarantee.atLeastOnce(
        reason: "a Flight server has rows as soon as they are put, unless it keeps the last epoch (the option 'spool')")
      return SinkFactory(
        label: label, maximumParallelism: nil, guarantee: { guarantee },
        make: { _ throws(Failure) in try FlightPutSink(putting, schema) })
    }
    let files = WrittenFiles(
      place: options.place, uid: uid, path: folder, form: .parts(FlightSpool.names))
    return SinkFactory(label: label, maximumParallelism: nil, files: files) { context throws(Failure) in
      EpochSink(try FlightPutSink(putting, schema)) { () throws(Failure) in
        let subtask = context.id.index
        let spool = FlightSpool(folder, subtask: subtask, place: putting.peer.place)
        let log = try FlightEpochLog(putting, pipeline: pipeline, uid: uid)
        return FlightEpochSink(spool, log, schema, subtask: subtask)
      }
    }
  }

  /// The option `buffer`: bytes that wait between a connection and a thread at most.
  static func flightBuffer(_ options: inout ConnectorOptions) throws(Failure) -> Int {
    Int(try options.int("buffer", in: 1_024...(1 << 32)) ?? 16 << 20)
  }

  /// As of a peer of whom nothing is known.
  static func flightReading(_ codecs: CodecSet, _ uid: String) -> IPCReadOptions {
    var reading = FlightBatchReader.defaultOptions
    reading.codecs = codecs
    reading.uid = uid
    return reading
  }

  /// The columns of a flight: of what the server says of it, else of the stream's first message.
  static func flightSchema(
    _ options: inout ConnectorOptions, _ uid: String, _ codecs: CodecSet
  ) throws(Failure) -> [Field] {
    let peer = try FlightPeer(&options, nil)
    let target = try FlightTarget(&options)
    let session = try FlightSession(peer)
    defer { session.close() }
    // Nobody stops it: calls have their time.
    let intake = FlightIntake(limit: 1 << 20)
    let ticket: [UInt8]
    let reading = flightReading(codecs, uid)
    var location: FlightLocation?
    switch target {
    case .ticket(let bytes):
      _ = try session.logIn(intake)
      ticket = bytes
    case .descriptor(let descriptor):
      let info = try session.ask("GetFlightInfo of \(target)", intake) { (client, call) async throws(GRPCStatus) in
        try await client.flightInfo(descriptor, call)
      }
      if let schema = info?.schema, !schema.isEmpty {
        do throws(Failure) {
          return try named(IPCSchema(encapsulated: schema, options: reading).fields, "\(target)")
        } catch { throw error.within("\(peer.place): \(peer.location)") }
      }
      let splits = try FlightSplit.splits(
        info?.endpoints ?? [], target, former: nil, place: peer.place,
        isSecure: peer.location.isSecure)
      guard let first = splits.first else {
        throw Failure(
          .data,
          "\(peer.place): \(peer.location) says neither a schema nor an endpoint of \(target); declare the schema")
      }
      (ticket, location) = (first.position.ticket, first.location)
    }
    return try firstSchema(session, intake, ticket, location, reading)
  }

  /// Of the first message of DoGet, which is given up then.
  private static func firstSchema(
    _ session: FlightSession, _ intake: FlightIntake, _ ticket: [UInt8], _ location: FlightLocation?,
    _ options: IPCReadOptions
  ) throws(Failure) -> [Field] {
    let what = "DoGet of the ticket \(FlightTarget.shown(ticket))"
    // The stream may take as long as a call.
    let call = try session.callOptions(isStream: false)
    session.client(at: location).get(Ticket(ticket: ticket), call) { stream in
      IncomingFlight(stream, intake, reader: FlightBatchReader(options: options))
    }
    while true {
      // The call's own deadline ends it.
      guard case .entry(let entry) = intake.take(until: .now + 1_000_000_000) else { continue }
      switch entry.event {
      case .sentAll: continue
      case .closed(let status):
        guard status.isOK else { throw session.failure(status, what, at: location) }
        throw Failure(.data, "\(session.peer.place): \(what) ended without a schema; declare it")
      case .data(let data):
        do throws(Failure) {
          guard case .schema(let schema, _)? = try entry.flight.reader.take(data) else { continue }
          intake.stop()
          return try named(schema.fields, what)
        } catch {
          intake.stop()
          throw error.within(session.peer.place)
        }
      }
    }
  }
}
