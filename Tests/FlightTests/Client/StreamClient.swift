import Arrow
import Base
import Flight
import Synchronization

/// What a stream of batches came to, for its client.
struct StreamOutcome: Sendable {
  var schema: IPCSchema?
  var batches: [RecordBatch] = []
  /// With batches and alone, in order.
  var metadata: [String] = []
  /// What a DoPut was answered.
  var results: [String] = []
  /// How often it was told that it began, and that it ended.
  var beginnings = 0
  var status: GRPCStatus?
}

/// Counts objects that live.
final class LiveCount: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .sequentiallyConsistent) }
  func add(_ change: Int) { count.wrappingAdd(change, ordering: .sequentiallyConsistent) }
}

/// Sends batches, each with its number as metadata, as there is room, and keeps what comes.
final class StreamClient: FlightStreamHandler {
  /// What is done, and told, on the way. On the loop.
  struct Plan: Sendable {
    var descriptor: FlightDescriptor?
    var batches: [RecordBatch] = []
    /// Sent after the batches.
    var metadataAtEnd: String?
    /// After a message was received, whose number this is.
    var onMessage: @Sendable (Int, FlightStream) -> Void = { _, _ in }
    var onBegin: @Sendable (FlightStream) -> Void = { _ in }
    var live: LiveCount?
  }

  private let plan: Plan
  private let sends: Bool
  private let done: (StreamOutcome) -> Void
  private var outcome = StreamOutcome()
  private var writer: FlightBatchWriter
  private var reader = FlightBatchReader()
  private var next = 0
  private var messages = 0
  private var hasFinished = false

  /// - Parameter done: is called whenever it is told that the stream is over.
  init(_ plan: Plan, sends: Bool, _ done: @escaping (StreamOutcome) -> Void) {
    self.plan = plan
    self.sends = sends
    self.done = done
    writer = FlightBatchWriter(descriptor: plan.descriptor)
    plan.live?.add(1)
  }

  deinit { plan.live?.add(-1) }

  override func began(on stream: FlightStream) {
    outcome.beginnings += 1
    plan.onBegin(stream)
    guard sends else { return }
    guard let first = plan.batches.first else { return }
    do {
      try stream.send { queue in try writer.begin(IPCSchema(first.schema.fields), to: &queue) }
    } catch {
      return stream.finish(GRPCStatus(.internal, "\(error)"))
    }
    give(stream)
  }

  override func hasRoom(on stream: FlightStream) { if sends { give(stream) } }

  private func give(_ stream: FlightStream) {
    guard !hasFinished else { return }
    do {
      while stream.hasRoom, next < plan.batches.count {
        try stream.send { queue in
          try writer.write(plan.batches[next], appMetadata: Array("\(next)".utf8), to: &queue)
        }
        next += 1
      }
      guard next == plan.batches.count else { return }
      if let metadata = plan.metadataAtEnd {
        stream.send { queue in try? writer.write(appMetadata: Array(metadata.utf8), to: &queue) }
      }
      hasFinished = true
      stream.finish()
    } catch {
      stream.finish(GRPCStatus(.internal, "\(error)"))
    }
  }

  override func received(_ data: FlightData, on stream: FlightStream) {
    do throws(Failure) {
      switch try reader.take(data) {
      case .schema(let schema, _): outcome.schema = schema
      case .batch(let batch, let metadata):
        outcome.batches.append(batch)
        outcome.metadata.append(String(decoding: metadata, as: UTF8.self))
      case .appMetadata(let metadata): outcome.metadata.append(String(decoding: metadata, as: UTF8.self))
      case nil: return
      }
    } catch {
      return stream.finish(GRPCStatus(.internal, error.message))
    }
    messages += 1
    plan.onMessage(messages, stream)
  }

  override func received(_ result: PutResult, on stream: FlightStream) {
    outcome.results.append(String(decoding: result.appMetadata, as: UTF8.self))
    messages += 1
    plan.onMessage(messages, stream)
  }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) {
    outcome.status = status
    done(outcome)
  }
}

extension FlightClient {
  func get(
    _ name: String, _ call: FlightCallOptions = FlightCallOptions(), _ plan: StreamClient.Plan = .init()
  ) async -> StreamOutcome {
    await withCheckedContinuation { continuation in
      get(Ticket(ticket: Array(name.utf8)), call) { _ in
        StreamClient(plan, sends: false) { continuation.resume(returning: $0) }
      }
    }
  }

  func put(
    _ name: String, _ batches: [RecordBatch], _ call: FlightCallOptions = FlightCallOptions(),
    _ plan: StreamClient.Plan = .init()
  ) async -> StreamOutcome {
    var plan = plan
    plan.descriptor = .path(name)
    plan.batches = batches
    return await withCheckedContinuation { [plan] continuation in
      put(call) { _ in StreamClient(plan, sends: true) { continuation.resume(returning: $0) } }
    }
  }

  func echo(
    _ batches: [RecordBatch], _ call: FlightCallOptions = FlightCallOptions(), _ plan: StreamClient.Plan = .init()
  ) async -> StreamOutcome {
    var plan = plan
    plan.descriptor = .path("echo")
    plan.batches = batches
    return await withCheckedContinuation { [plan] continuation in
      exchange(call) { _ in StreamClient(plan, sends: true) { continuation.resume(returning: $0) } }
    }
  }

  /// The bodies that an action answers with, as text.
  func texts(_ type: String, _ body: String = "", _ call: FlightCallOptions = FlightCallOptions()) async throws
    -> [String]
  {
    try await act(Action(type: type, body: Array(body.utf8)), call).map { String(decoding: $0.body, as: UTF8.self) }
  }

  /// What an action fails with; nil if it does not.
  func failure(_ type: String, _ body: String = "", _ call: FlightCallOptions = FlightCallOptions()) async
    -> GRPCStatus?
  {
    do throws(GRPCStatus) {
      _ = try await act(Action(type: type, body: Array(body.utf8)), call)
      return nil
    } catch {
      return error
    }
  }
}
