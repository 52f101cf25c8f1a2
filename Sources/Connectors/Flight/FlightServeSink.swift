import Arrow
import Base
import Dataflow
import Flight
import Observability

/// How a stream of rows is served, as a sink's options say.
struct FlightServing: Sendable {
  let place: String
  let uid: String
  let listening: FlightListening
  let name: String
  let slow: FlightOutlet.Slow
  let buffer: Int
  /// As many are waited for before the first row.
  let subscribers: Int
  /// How long somebody is waited for; nil: for ever. In nanoseconds.
  let timeout: Int64?

  init(_ options: inout ConnectorOptions, uid: String) throws(Failure) {
    place = options.place
    self.uid = uid
    listening = try FlightListening(&options)
    name = try FlightListening.name(&options)
    slow = try options.choice("slow", of: ["wait", "drop"]) == "drop" ? .drop : .wait
    buffer = try BuiltinConnectors.flightBuffer(&options)
    subscribers = Int(try options.int("subscribers", in: 0...10_000) ?? 0)
    timeout = try options.seconds("timeout")
  }
}

/// Gives rows to clients of Flight that subscribe: to each those that are written from then on.
final class FlightServeSink: Sink {
  let blocks = true
  let outlet: FlightOutlet
  private let serving: FlightServing
  private let log: EventLog?
  private(set) var seat: FlightServers.Seat?
  private var hasBegun = false

  init(_ serving: FlightServing, _ schema: Schema, _ log: EventLog?) {
    self.serving = serving
    self.log = log
    outlet = FlightOutlet(serving.name, schema, limit: serving.buffer, slow: serving.slow)
  }

  private var deadline: MonotonicTime? { serving.timeout.map { .now + $0 } }

  func open() throws(Failure) {
    let seat = try FlightServers.offer(
      .outlet(outlet), named: serving.name, at: serving.listening, place: serving.place, log: log)
    self.seat = seat
    let addresses = seat.addresses.map { "\($0)" }.joined(separator: ", ")
    log?.info(
      "sink.listening", "sink '\(serving.uid)' serves the stream '\(serving.name)' at \(addresses)",
      ["uid": .string(serving.uid), "stream": .string(serving.name), "address": .string(addresses)])
  }

  func stop() { outlet.patience.stop() }

  func write(_ batch: RecordBatch) throws(Failure) {
    if !hasBegun {
      guard outlet.waitForSubscribers(serving.subscribers, until: deadline) else {
        throw late("\(outlet.subscriberCount) of \(serving.subscribers) subscribers have come")
      }
      hasBegun = true
    }
    guard outlet.write(batch, until: deadline) else { throw late("a subscriber has not taken its rows") }
  }

  func close(complete: Bool) throws(Failure) {
    let failed = GRPCStatus(.aborted, "the job that gives the stream '\(serving.name)' has failed, or was stopped")
    let wait = deadline ?? (complete && serving.slow == .wait ? nil : .now + 10_000_000_000)
    let isTaken = outlet.end(complete ? .ok : failed, until: wait)
    if let seat { FlightServers.giveBack(seat) }
    seat = nil
    guard isTaken || !complete || serving.slow == .drop else { throw late("a subscriber has not taken its last rows") }
  }

  private func late(_ what: String) -> Failure {
    let time =
      outlet.patience.stopped == nil
      ? "within \(Double(serving.timeout ?? 0) / 1e9) seconds (its option 'timeout')" : "when the job was to stop"
    return Failure(.io, retryable: true, "\(serving.place): \(what) \(time) at \(serving.listening.endpoint)")
  }
}
