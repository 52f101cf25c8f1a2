import Base
import Flight
import Networking
import Observability
import Synchronization

/// What a connector serves at an address under a name.
enum FlightOffer: Sendable {
  case outlet(FlightOutlet)
  case inlet(FlightInlet)
}

/// The Flight servers of a process's connectors: one an address, for all streams that are served there.
enum FlightServers {
  /// A server, and how many streams it has.
  fileprivate final class Running: Sendable {
    let service: FlightStreams
    let server: FlightServer
    let listening: FlightListening
    let loops: [EventLoop]

    init(_ listening: FlightListening, _ place: String, _ log: EventLog?) throws(Failure) {
      service = FlightStreams()
      self.listening = listening
      var options = FlightServerOptions()
      options.tls = try listening.tls.server(place, log)
      if let token = listening.token { options.authenticator = FlightTokens(tokens: [token: "the token's owner"]) }
      let group = try FlightLoops.group()
      loops = group.loops
      let reports = FlightReports(place, log)
      server = try FlightServer(
        service, at: [listening.endpoint], on: group, options: options, report: reports.report)
    }
  }

  /// A stream's place at a server, to be given back.
  struct Seat: Sendable {
    fileprivate let running: Running
    fileprivate let endpoint: Endpoint
    let name: String

    /// Where the server listens.
    var addresses: [SocketAddress] { running.server.addresses }
  }

  private static let running = Mutex<[Endpoint: Running]>([:])

  /// Serves a stream, at a server that listens there already or at a new one. May block while names are looked up.
  ///
  /// - Parameters:
  ///   - place: leads messages: "sink 'out' (flight-serve)".
  ///   - log: where certificates that cannot be used are told, and connections that fail.
  static func offer(
    _ offer: FlightOffer, named name: String, at listening: FlightListening, place: String,
    log: EventLog?
  ) throws(Failure) -> Seat {
    try running.withLock { (running) throws(Failure) in
      let found: Running
      if let known = running[listening.endpoint] {
        guard known.listening == listening else {
          let what = known.listening.token == listening.token ? "other options of TLS" : "another 'token'"
          throw Failure(
            .usage,
            "\(place): another connector listens at \(listening.endpoint) with \(what); give both the same, or two addresses"
          )
        }
        found = known
      } else {
        do throws(Failure) { found = try Running(listening, place, log) } catch { throw error.within(place) }
      }
      guard found.service.add(offer, named: name) else {
        throw Failure(
          .usage,
          "\(place): another connector serves a stream '\(name)' at \(listening.endpoint); give one of them another name"
        )
      }
      running[listening.endpoint] = found
      return Seat(running: found, endpoint: listening.endpoint, name: name)
    }
  }

  /// Serves the stream no more. The last one ends the server, and waits until its clients have got what was sent, or are gone.
  static func giveBack(_ seat: Seat) {
    let last = running.withLock { running in
      guard seat.running.service.remove(seat.name) else { return false }
      running[seat.endpoint] = nil
      return true
    }
    guard last else { return }
    let isDone = Monitor(false)
    seat.running.server.stop(within: .seconds(5)) {
      isDone.withLock { $0 = true }
      isDone.broadcast()
    }
    _ = isDone.wait(until: .now + 10_000_000_000) { $0 ? true : nil }
    // The address is free once the loops have done what they were told to.
    let left = Monitor(seat.running.loops.count)
    for loop in seat.running.loops {
      loop.execute {
        left.withLock { $0 -= 1 }
        left.broadcast()
      }
    }
    _ = left.wait(until: .now + 10_000_000_000) { $0 == 0 ? true : nil }
  }
}

/// What a connectors' server answers: its streams, by name.
final class FlightStreams: FlightService {
  private let offers = Mutex<[String: FlightOffer]>([:])

  func add(_ offer: FlightOffer, named name: String) -> Bool {
    offers.withLock { offers in
      guard offers[name] == nil else { return false }
      offers[name] = offer
      return true
    }
  }

  /// - Returns: whether none is left.
  func remove(_ name: String) -> Bool {
    offers.withLock { offers in
      offers[name] = nil
      return offers.isEmpty
    }
  }

  private func offer(_ name: String) throws(GRPCStatus) -> FlightOffer {
    if let offer = offers.withLock({ $0[name] }) { return offer }
    throw GRPCStatus(.notFound, "there is no stream '\(name)' here; ListFlights lists those that there are")
  }

  /// The name of a stream, as a descriptor has it.
  private static func name(_ descriptor: FlightDescriptor) -> String {
    descriptor.kind == .command
      ? String(decoding: descriptor.command, as: UTF8.self) : descriptor.path.joined(separator: "/")
  }

  private static func info(_ name: String, _ offer: FlightOffer) throws(GRPCStatus) -> FlightInfo {
    do throws(Failure) {
      switch offer {
      case .outlet(let outlet):
        return FlightInfo(
          schema: try outlet.schema.encapsulated(), descriptor: .path(name),
          endpoints: [FlightEndpoint(ticket: Ticket(ticket: Array(name.utf8)))])
      case .inlet(let inlet): return FlightInfo(schema: try inlet.schema.encapsulated(), descriptor: .path(name))
      }
    } catch { throw GRPCStatus(error) }
  }

  func listFlights(_ criteria: Criteria, _ call: FlightCallContext) async throws(GRPCStatus) -> [FlightInfo] {
    let prefix = String(decoding: criteria.expression, as: UTF8.self)
    var infos: [FlightInfo] = []
    for (name, offer) in offers.withLock({ $0 }).sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
      infos.append(try Self.info(name, offer))
    }
    return infos
  }

  func flightInfo(_ descriptor: FlightDescriptor, _ call: FlightCallContext) async throws(GRPCStatus) -> FlightInfo {
    let name = Self.name(descriptor)
    return try Self.info(name, try offer(name))
  }

  func get(_ ticket: Ticket, _ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    let name = String(decoding: ticket.ticket, as: UTF8.self)
    guard case .outlet(let outlet) = try offer(name) else {
      throw GRPCStatus(.unimplemented, "the stream '\(name)' takes rows, and gives none")
    }
    return try outlet.subscribe(stream)
  }

  func put(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    UnnamedPut { [self] descriptor throws(GRPCStatus) in
      let name = Self.name(descriptor)
      guard case .inlet(let inlet) = try offer(name) else {
        throw GRPCStatus(.unimplemented, "the stream '\(name)' gives rows, and takes none")
      }
      return inlet
    }
  }

  func actionTypes(_ call: FlightCallContext) async throws(GRPCStatus) -> [ActionType] {
    [
      ActionType(
        type: "end", description: "ends a stream that takes rows, whose name is the body, when all clients have ended")
    ]
  }

  func act(
    _ action: Action, _ call: FlightCallContext, _ results: FlightActionResults
  ) async throws(GRPCStatus) {
    guard action.type == "end" else {
      throw GRPCStatus(.unimplemented, "there is no action '\(action.type)'; ListActions lists those that there are")
    }
    let name = String(decoding: action.body, as: UTF8.self)
    guard case .inlet(let inlet) = try offer(name) else {
      throw GRPCStatus(.invalidArgument, "the stream '\(name)' gives rows, and ends with its job")
    }
    inlet.intake.endWithStreams()
  }
}
