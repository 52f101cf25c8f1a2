import Arrow
import Base
import Dataflow
import Flight
import Observability

/// Where a source listens for rows, as its options say.
struct FlightTaking: Sendable {
  let place: String
  let uid: String
  let listening: FlightListening
  let name: String
  let buffer: Int
  /// After as many clients have put all that they have it ends; nil: when it is told to.
  let clients: Int?
  let reading: IPCReadOptions

  init(_ options: inout ConnectorOptions, uid: String, reading: IPCReadOptions) throws(Failure) {
    place = options.place
    self.uid = uid
    listening = try FlightListening(&options)
    name = try FlightListening.name(&options)
    buffer = try BuiltinConnectors.flightBuffer(&options)
    clients = try options.int("clients", in: 1...1_000_000).map { Int($0) }
    self.reading = reading
  }
}

/// Takes rows that clients of Flight put, of many at a time, in the order in which they come.
///
/// What a client sends wrong ends its own stream only. Each message is acknowledged, with its metadata, when the pipeline
/// has taken its rows; with epochs, when an epoch that has them is complete. The stream of a client that has sent all ends with OK behind
/// its acknowledgements.
final class FlightListenSource: AcknowledgingSource {
  let blocks = true
  private let taking: FlightTaking
  private let schema: Schema
  private let log: EventLog?
  let intake: FlightIntake
  private(set) var seat: FlightServers.Seat?
  private var rest: RecordBatch?
  /// What is said once `rest` is given.
  private var unsaid: FlightAnswer?
  /// What waits for an epoch; nil without epochs.
  private(set) var waiting: WaitingAnswers?
  private var clientsDone = 0

  init(_ taking: FlightTaking, _ schema: Schema, _ log: EventLog?) {
    self.taking = taking
    self.schema = schema
    self.log = log
    intake = FlightIntake(limit: taking.buffer)
  }

  func open() throws(Failure) {
    let inlet = FlightInlet(taking.name, schema, intake: intake, reading: taking.reading)
    let seat = try FlightServers.offer(
      .inlet(inlet), named: taking.name, at: taking.listening, place: taking.place, log: log)
    self.seat = seat
    let addresses = seat.addresses.map { "\($0)" }.joined(separator: ", ")
    log?.info(
      "source.listening", "source '\(taking.uid)' takes rows for the stream '\(taking.name)' at \(addresses)",
      ["uid": .string(taking.uid), "stream": .string(taking.name), "address": .string(addresses)])
  }

  func stop() { intake.stop() }

  func close() {
    intake.stop()
    if let seat { FlightServers.giveBack(seat) }
    (seat, rest, unsaid, waiting) = (nil, nil, nil, nil)
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = MonotonicTime.now + timeout.wholeNanoseconds
    while true {
      if let batch = rest {
        let count = min(maxRows, batch.length)
        rest = count < batch.length ? batch.slice(count..<batch.length) : nil
        return .batch(batch.slice(0..<count))
      }
      sayRest()
      // Clients that would have to be remembered with more than that wait for an epoch: nothing is read meanwhile.
      if let waiting, waiting.byteCount >= taking.buffer { return .idle }
      switch intake.take(until: deadline) {
      case .nothing: return .idle
      case .stopped: return .end
      case .entry(let entry): take(entry)
      }
    }
  }

  func useEpochs() { waiting = WaitingAnswers() }

  func reach(_ epoch: Epoch) {
    // A batch that was given in part belongs to a later epoch.
    if rest == nil { sayRest() }
    waiting?.reach(epoch)
  }

  func committed(_ epoch: Epoch) { waiting?.say(upTo: epoch) }

  /// What was given last has come to those behind the source.
  private func sayRest() {
    guard let answer = unsaid.take() else { return }
    say(answer)
  }

  private func say(_ answer: FlightAnswer) {
    if waiting == nil { answer.say() } else { waiting?.append(answer) }
  }

  private func take(_ entry: FlightIntake.Entry) {
    let flight = entry.flight
    switch entry.event {
    case .closed: break
    case .sentAll:
      guard !flight.isRefused else { return }
      say(FlightAnswer(flight: flight, metadata: nil))
      clientsDone += 1
      if clientsDone == taking.clients { intake.endWithStreams() }
    case .data(let data):
      guard !flight.isRefused else { return }
      do throws(Failure) { try take(data, flight) } catch {
        // Not the job's fault, nor that of other clients.
        flight.isRefused = true
        let status = GRPCStatus(error.within("the stream '\(taking.name)'"))
        flight.stream.execute { flight.stream.finish(status) }
      }
    }
  }

  private func take(_ data: FlightData, _ flight: IncomingFlight) throws(Failure) {
    switch try flight.reader.take(data) {
    case nil: break
    case .schema(let schema, _): flight.columns = try ArrowColumns(self.schema, in: schema.fields, of: "what is put")
    case .appMetadata(let metadata): unsaid = FlightAnswer(flight: flight, metadata: metadata)
    case .batch(let batch, let metadata):
      let batch = try flight.columns?.take(batch, of: "what is put")
      rest = batch.flatMap { $0.length > 0 ? $0 : nil }
      unsaid = FlightAnswer(flight: flight, metadata: metadata)
    }
  }
}
