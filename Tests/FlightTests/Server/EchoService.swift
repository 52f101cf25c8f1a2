import Arrow
import Base
import Flight
import VolleyPlan

/// What tests serve: flights that were put, by path, and echoes.
final class EchoService: FlightService {
  struct Stored {
    var schema: IPCSchema
    var batches: [RecordBatch] = []
  }

  private let stored = Monitor<[String: Stored]>([:])
  /// How the last stream of each method ended, in order.
  let endings = Monitor<[String]>([])
  /// Tasks of the action "wait" that have begun, and those that were cancelled.
  let waits = Monitor(0)
  let cancelled = Monitor(0)
  /// Streams that were given a handler.
  let begun = Monitor(0)
  /// What the server's health service tells; set by the action "serve".
  let state = ServingState()

  private func began() {
    begun.withLock { $0 += 1 }
    begun.broadcast()
  }

  func flight(_ name: String) -> Stored? { stored.withLock { $0[name] } }

  func store(_ name: String, _ flight: Stored) { stored.withLock { $0[name] = flight } }

  func note(_ ending: String) {
    endings.withLock { $0.append(ending) }
    endings.broadcast()
  }

  private func info(_ name: String, _ flight: Stored) throws(GRPCStatus) -> FlightInfo {
    do throws(Failure) {
      return FlightInfo(
        schema: try flight.schema.encapsulated(), descriptor: .path(name),
        endpoints: [FlightEndpoint(ticket: Ticket(ticket: Array(name.utf8)))],
        totalRecords: Int64(flight.batches.reduce(0) { $0 + $1.length }), totalBytes: -1)
    } catch {
      throw GRPCStatus(error)
    }
  }

  func listFlights(_ criteria: Criteria, _ call: FlightCallContext) async throws(GRPCStatus) -> [FlightInfo] {
    let prefix = String(decoding: criteria.expression, as: UTF8.self)
    var infos: [FlightInfo] = []
    for (name, flight) in stored.withLock({ $0 }).sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
      infos.append(try info(name, flight))
    }
    return infos
  }

  func flightInfo(_ descriptor: FlightDescriptor, _ call: FlightCallContext) async throws(GRPCStatus) -> FlightInfo {
    let name = descriptor.path.first ?? String(decoding: descriptor.command, as: UTF8.self)
    guard let flight = flight(name) else { throw GRPCStatus(.notFound, "there is no flight '\(name)' – über") }
    return try info(name, flight)
  }

  func actionTypes(_ call: FlightCallContext) async throws(GRPCStatus) -> [ActionType] {
    [ActionType(type: "echo", description: "gives back what it is given, in pieces"), ActionType(type: "fail")]
  }

  func act(
    _ action: Action, _ call: FlightCallContext, _ results: FlightActionResults
  ) async throws(GRPCStatus) {
    switch action.type {
    case "echo":
      for byte in action.body { try await results.send([byte]) }
    case "many":
      // Far more than a window: the client's reading lets it go on.
      for index in 0..<2_000 { try await results.send([UInt8](repeating: UInt8(index % 251), count: 4_096)) }
    case "serve": state.set(HealthCheckResponse.Status(rawValue: Int32(action.body.first ?? 0)))
    case "who": try await results.send(Array((call.identity ?? "nobody").utf8))
    case "metadata":
      for entry in call.metadata.entries.sorted(by: { $0.name < $1.name }) where entry.name.hasPrefix("x-") {
        switch entry.value {
        case .text(let text): try await results.send(Array("\(entry.name)=\(text)".utf8))
        case .bytes(let bytes): try await results.send(Array("\(entry.name)=".utf8) + bytes)
        }
      }
    case "fail":
      let code = GRPCStatus.Code(rawValue: Int(String(decoding: action.body, as: UTF8.self)) ?? 2) ?? .unknown
      throw GRPCStatus(code, "it fails: 100 % – \"über\"\n")
    case "wait":
      try await results.send([1])
      waits.withLock { $0 += 1 }
      await withTaskCancellationHandler {
        // Over when it is cancelled.
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
      } onCancel: {
        cancelled.withLock { $0 += 1 }
        cancelled.broadcast()
      }
      throw GRPCStatus(.cancelled)
    default: throw GRPCStatus(.unimplemented, "there is no action '\(action.type)'")
    }
  }

  func get(_ ticket: Ticket, _ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    let name = String(decoding: ticket.ticket, as: UTF8.self)
    guard let flight = flight(name) else { throw GRPCStatus(.notFound, "there is no flight '\(name)'") }
    began()
    return FlightGiver(self, flight, isEndless: name.hasPrefix("endless"))
  }

  func put(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    began()
    return FlightTaker(self)
  }

  func exchange(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    began()
    return FlightEchoer(self)
  }
}

/// Sends a flight, as there is room.
private final class FlightGiver: FlightStreamHandler {
  private let service: EchoService
  private let flight: EchoService.Stored
  private let isEndless: Bool
  private var writer = FlightBatchWriter()
  private var next = 0

  init(_ service: EchoService, _ flight: EchoService.Stored, isEndless: Bool) {
    self.service = service
    self.flight = flight
    self.isEndless = isEndless
  }

  override func began(on stream: FlightStream) {
    do {
      try stream.send { queue in try writer.begin(flight.schema, to: &queue) }
      try give(stream)
    } catch {
      stream.finish(GRPCStatus(.internal, "\(error)"))
    }
  }

  private func give(_ stream: FlightStream) throws {
    while stream.hasRoom {
      guard isEndless || next < flight.batches.count else { return stream.finish() }
      let batch = flight.batches[next % flight.batches.count]
      try stream.send { queue in try writer.write(batch, appMetadata: Array("\(next)".utf8), to: &queue) }
      next += 1
    }
  }

  override func hasRoom(on stream: FlightStream) {
    do { try give(stream) } catch { stream.finish(GRPCStatus(.internal, "\(error)")) }
  }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) { service.note("get \(status.code.name)") }
}

/// Stores a flight by the path of its descriptor, and acknowledges each batch.
private final class FlightTaker: FlightStreamHandler {
  private let service: EchoService
  private var reader = FlightBatchReader()
  private var flight: EchoService.Stored?

  init(_ service: EchoService) { self.service = service }

  override func received(_ data: FlightData, on stream: FlightStream) {
    do throws(Failure) {
      switch try reader.take(data) {
      case .schema(let schema, _): flight = EchoService.Stored(schema: schema)
      case .batch(let batch, let metadata):
        flight?.batches.append(batch)
        stream.send(PutResult(appMetadata: Array("\(batch.length) rows, ".utf8) + metadata))
      case .appMetadata(let metadata): stream.send(PutResult(appMetadata: metadata))
      case nil: break
      }
    } catch {
      stream.finish(GRPCStatus(error))
    }
  }

  override func receivedEnd(on stream: FlightStream) {
    guard let flight, let name = reader.descriptor?.path.first else {
      return stream.finish(GRPCStatus(.invalidArgument, "the stream has no schema or no descriptor with a path"))
    }
    service.store(name, flight)
    stream.finish()
  }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) { service.note("put \(status.code.name)") }
}

/// Gives back each batch and its metadata; takes no more than it can give.
private final class FlightEchoer: FlightStreamHandler {
  private let service: EchoService
  private var reader = FlightBatchReader()
  private var writer = FlightBatchWriter()
  private var hasEnded = false

  init(_ service: EchoService) { self.service = service }

  override func received(_ data: FlightData, on stream: FlightStream) {
    do throws(Failure) {
      let element = try reader.take(data)
      try stream.send { queue throws(Failure) in
        switch element {
        case .schema(let schema, let metadata): try writer.begin(schema, appMetadata: metadata, to: &queue)
        case .batch(let batch, let metadata): try writer.write(batch, appMetadata: metadata, to: &queue)
        case .appMetadata(let metadata): try writer.write(appMetadata: metadata, to: &queue)
        case nil: break
        }
      }
      if !stream.hasRoom { stream.pause() }
    } catch {
      stream.finish(GRPCStatus(error))
    }
  }

  override func hasRoom(on stream: FlightStream) { stream.resume() }

  override func receivedEnd(on stream: FlightStream) { stream.finish() }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) { service.note("exchange \(status.code.name)") }
}
