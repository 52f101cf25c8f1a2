import Arrow
import Base
import Flight

/// A stream of rows with a name that clients subscribe to: each gets the rows that come from then on.
final class FlightOutlet: Sendable {
  /// What becomes of a subscriber who is behind.
  enum Slow: Sendable {
    /// The rows wait for him.
    case wait
    /// He is ended.
    case drop
  }

  private struct State {
    var subscribers: [ObjectIdentifier: Place] = [:]
    var hasEnded = false
    /// Subscribers so far, those that are gone included.
    var count = 0
  }

  private struct Place {
    let subscriber: FlightSubscriber
    /// Bytes of rows on their way to his stream.
    var waiting = 0
  }

  let name: String
  let schema: IPCSchema
  private let state = Monitor(State())
  /// Bytes that wait for a subscriber at most, beside one batch and what his connection holds.
  private let limit: Int
  private let slow: Slow
  let patience = FlightPatience()

  init(_ name: String, _ schema: Schema, limit: Int, slow: Slow) {
    self.name = name
    self.schema = IPCSchema(schema.fields)
    self.limit = limit
    self.slow = slow
  }

  // MARK: The loops' side

  /// On the stream's loop.
  func subscribe(_ stream: FlightStream) throws(GRPCStatus) -> FlightSubscriber {
    let subscriber = FlightSubscriber(stream, self)
    let isTaken = state.withLock { state in
      guard !state.hasEnded else { return false }
      state.subscribers[ObjectIdentifier(subscriber)] = Place(subscriber: subscriber)
      state.count += 1
      return true
    }
    guard isTaken else { throw GRPCStatus(.notFound, "the stream '\(name)' has ended") }
    state.broadcast()
    return subscriber
  }

  func sent(_ byteCount: Int, to subscriber: FlightSubscriber) {
    state.withLock { $0.subscribers[ObjectIdentifier(subscriber)]?.waiting -= byteCount }
    state.broadcast()
  }

  func closed(_ subscriber: FlightSubscriber) {
    state.withLock { $0.subscribers[ObjectIdentifier(subscriber)] = nil }
    state.broadcast()
  }

  // MARK: The writer's side

  var subscriberCount: Int { state.withLock { $0.subscribers.count } }

  /// Whether as many have subscribed, those that are gone included. For tests.
  func hasHad(_ count: Int) -> Bool { state.withLock { $0.count >= count } }

  /// Bytes that wait for the subscriber who is furthest behind.
  var waitingBytes: Int { state.withLock { $0.subscribers.values.map(\.waiting).max() ?? 0 } }

  /// Waits until there are so many subscribers.
  ///
  /// - Returns: false when there are not by the deadline.
  func waitForSubscribers(_ count: Int, until deadline: MonotonicTime?) -> Bool {
    patience.wait(on: state, until: deadline) { $0.subscribers.count >= count ? true : nil } ?? false
  }

  /// Gives rows to all who have subscribed.
  ///
  /// - Returns: false when somebody is waited for until the deadline: nobody has got them then.
  func write(_ batch: RecordBatch, until deadline: MonotonicTime?) -> Bool {
    let byteCount = batch.byteCount
    let (slow, limit) = (slow, limit)
    typealias Given = (to: [FlightSubscriber], late: [FlightSubscriber])
    let given = patience.wait(on: state, until: deadline) { (state: inout State) -> Given? in
      let late = state.subscribers.filter { $0.value.waiting > 0 && $0.value.waiting + byteCount > limit }
      if case .wait = slow, !late.isEmpty { return nil }
      for key in late.keys { state.subscribers[key] = nil }
      for key in state.subscribers.keys { state.subscribers[key]?.waiting += byteCount }
      return (state.subscribers.values.map(\.subscriber), late.values.map(\.subscriber))
    }
    guard let given else { return false }
    for subscriber in given.to { subscriber.give(batch, byteCount) }
    for subscriber in given.late {
      let status = GRPCStatus(
        .resourceExhausted,
        "this subscriber of '\(name)' is more than \(limit) bytes behind, and the stream does not wait (its options 'slow' and 'buffer')"
      )
      subscriber.end(status, at: .once)
    }
    return true
  }

  /// Takes no more subscribers, and ends those that there are.
  ///
  /// - Returns: false when some are not gone by the deadline: they are ended at once.
  func end(_ status: GRPCStatus, until deadline: MonotonicTime?) -> Bool {
    let subscribers = state.withLock { state in
      state.hasEnded = true
      return state.subscribers.values.map(\.subscriber)
    }
    for subscriber in subscribers { subscriber.end(status, at: status.isOK ? .endOfRows : .once) }
    if patience.wait(on: state, until: deadline, for: { $0.subscribers.isEmpty ? true : nil }) != nil { return true }
    let late = GRPCStatus(
      .deadlineExceeded, "the stream '\(name)' has ended, and does not wait longer for what was not taken")
    for subscriber in state.withLock({ $0.subscribers.values.map(\.subscriber) }) { subscriber.end(late, at: .once) }
    return false
  }
}

/// Somebody who has subscribed.
///
/// All fields belong to the stream's loop, where other threads have work done: that is what makes it `Sendable`.
final class FlightSubscriber: FlightStreamHandler, @unchecked Sendable {
  enum End: Sendable {
    case once
    case endOfRows
  }

  private let stream: FlightStream
  private let outlet: FlightOutlet
  private var writer = FlightBatchWriter()
  private var waiting = WaitingBatches()
  private var ending: GRPCStatus?

  init(_ stream: FlightStream, _ outlet: FlightOutlet) {
    self.stream = stream
    self.outlet = outlet
  }

  // MARK: From any thread

  func give(_ batch: RecordBatch, _ byteCount: Int) {
    stream.execute { [self] in
      waiting.append(batch, byteCount)
      send()
    }
  }

  func end(_ status: GRPCStatus, at end: End) {
    stream.execute { [self] in
      if case .once = end { return stop(status) }
      ending = status
      send()
    }
  }

  // MARK: On the loop

  override func began(on stream: FlightStream) {
    do throws(Failure) {
      try stream.send { queue throws(Failure) in try writer.begin(outlet.schema, to: &queue) }
    } catch { stop(GRPCStatus(error)) }
  }

  override func hasRoom(on stream: FlightStream) { send() }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) {
    waiting.removeAll()
    outlet.closed(self)
  }

  private func send() {
    do throws(Failure) {
      try waiting.send(to: stream, with: &writer) { outlet.sent($0, to: self) }
    } catch { return stop(GRPCStatus(error)) }
    if waiting.isEmpty, let ending { stream.finish(ending) }
  }

  private func stop(_ status: GRPCStatus) {
    waiting.removeAll()
    stream.finish(status)
  }
}
