import Base
import Flight

/// What comes of streams of Flight on its way from the loops to the thread that reads: a bounded queue.
///
/// When it holds as many bytes as its limit, each stream that gives more is paused, until half of them are taken. What a
/// paused stream's peer may still send, at most a stream's window and the rest of a message, is kept as well.
final class FlightIntake: Sendable {
  enum Event: Sendable {
    case data(FlightData)
    /// A client that puts has sent all.
    case sentAll
    /// The stream is over: nothing else comes of it.
    case closed(GRPCStatus)
  }

  struct Entry: Sendable {
    let flight: IncomingFlight
    let event: Event
    let byteCount: Int
  }

  enum Taken {
    case entry(Entry)
    /// Nothing has come until the deadline.
    case nothing
    case stopped
  }

  private struct State {
    /// From `first` on.
    var entries: [Entry] = []
    var first = 0
    var byteCount = 0
    var paused: [IncomingFlight] = []
    var open: [ObjectIdentifier: FlightStream] = [:]
    var isStopped = false
    /// It stops when no stream is open and all is taken.
    var isEnding = false

    mutating func takeFirst() -> Entry? {
      guard first < entries.count else { return nil }
      let entry = entries[first]
      first += 1
      byteCount -= entry.byteCount
      if first == entries.count || first >= 1_024 {
        entries.removeFirst(first)
        first = 0
      }
      return entry
    }
  }

  private let state = Monitor(State())
  private let limit: Int

  /// - Parameter limit: bytes of messages.
  init(limit: Int) { self.limit = limit }

  var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Waits until so many bytes wait to be taken, and returns how many do. For tests.
  func waitForBytes(_ count: Int, until deadline: MonotonicTime) -> Int {
    _ = state.wait(until: deadline) { $0.byteCount >= count ? true : nil }
    return state.withLock { $0.byteCount }
  }

  /// Whether it takes no more streams.
  var isEnding: Bool { state.withLock { $0.isEnding || $0.isStopped } }

  /// Takes no more streams, and stops when those that are open have ended and all is taken. From any thread.
  func endWithStreams() {
    state.withLock { $0.isEnding = true }
    state.broadcast()
  }

  /// Ends all waiting, and the streams. From any thread.
  func stop() {
    let open = state.withLock { state in
      state.isStopped = true
      return Array(state.open.values)
    }
    state.broadcast()
    for stream in open { Self.cancel(stream) }
  }

  // MARK: The loops' side

  func opened(_ flight: IncomingFlight) {
    let isLate = state.withLock { state in
      state.open[ObjectIdentifier(flight)] = flight.stream
      return state.isStopped
    }
    if isLate { Self.cancel(flight.stream) }
  }

  /// On the stream's loop.
  func take(_ event: Event, of flight: IncomingFlight) {
    var byteCount = 0
    if case .data(let data) = event {
      byteCount = (data.header?.count ?? 0) + data.body.count + data.appMetadata.count + 64
    }
    let isFull = state.withLock { state in
      if case .closed = event { state.open[ObjectIdentifier(flight)] = nil }
      guard !state.isStopped else { return false }
      state.entries.append(Entry(flight: flight, event: event, byteCount: byteCount))
      state.byteCount += byteCount
      guard state.byteCount >= limit, byteCount > 0 else { return false }
      state.paused.append(flight)
      return true
    }
    state.broadcast()
    // The other thread may have had it resumed in the meantime: that comes to this loop later than this.
    if isFull { flight.hold(.intake) }
  }

  // MARK: The reading thread's side

  func take(until deadline: MonotonicTime) -> Taken {
    var resumed: [IncomingFlight] = []
    let taken = state.wait(until: deadline) { (state: inout State) -> Taken? in
      if state.isStopped { return .stopped }
      guard let entry = state.takeFirst() else { return state.isEnding && state.open.isEmpty ? .stopped : nil }
      if state.byteCount <= limit / 2, !state.paused.isEmpty { swap(&resumed, &state.paused) }
      return .entry(entry)
    }
    for flight in resumed { flight.stream.execute { flight.release(.intake) } }
    return taken ?? .nothing
  }

  /// Gives a stream up.
  static func cancel(_ stream: FlightStream) {
    stream.execute { stream.finish(GRPCStatus(.cancelled, "the reader does not want more")) }
  }

  /// Waits for what is asynchronous, on a thread that may wait.
  ///
  /// - Returns: nil when the connector was stopped in the meantime.
  func wait<Answer: Sendable>(
    _ body: @escaping @Sendable () async throws(GRPCStatus) -> Answer
  ) throws(GRPCStatus) -> Answer? {
    let answer = Monitor<Result<Answer, GRPCStatus>?>(nil)
    let state = state
    let task = Task {
      let result: Result<Answer, GRPCStatus>
      do throws(GRPCStatus) { result = .success(try await body()) } catch { result = .failure(error) }
      answer.withLock { $0 = result }
      // With the lock that is waited with, so that nobody misses it.
      state.withLock { _ in }
      state.broadcast()
    }
    let result: Result<Answer, GRPCStatus>?? = state.wait { state in
      if let result = answer.withLock({ $0 }) { return .some(result) }
      return state.isStopped ? .some(nil) : nil
    }
    guard let result = result ?? nil else {
      task.cancel()
      return nil
    }
    return try result.get()
  }
}
