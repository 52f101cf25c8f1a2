import Base

/// One request and its answer, between the connection's loop, where it comes in, and a task that takes it.
///
/// What is not behind the lock belongs to the loop's thread; that is what makes it `Sendable`.
final class HTTPExchange: HTTP2StreamHandler, @unchecked Sendable {
  struct Head {
    var status: Int
    var fields: HTTPFields
  }

  /// What has come and was not taken.
  private struct Inbox {
    var head: Head?
    var bytes: [UInt8] = []
    var trailers: HTTPFields = [:]
    /// Whether all has come, or why no more will.
    var end: Result<Void, Failure>?
    /// The task that waits for a change: one at a time.
    var waiter: CheckedContinuation<Void, Never>?
    /// Counts what has changed.
    var changes = 0
  }

  /// How often a request is sent in all, as long as servers say that they have not begun with it.
  static let tries = 3

  private let request: HTTPRequest
  private let connections: SharedConnection
  private let bodyLimit: Int?
  private let inbox = Monitor(Inbox())
  private var connection: HTTP2Connection?
  private var stream: HTTP2Stream?
  private var timer: LoopTimer?
  private var triesLeft = HTTPExchange.tries
  private var received = 0
  private var isOver = false

  /// - Parameter bodyLimit: bytes of a body that is gathered here, whose timeout holds to its end; nil for one that is taken
  ///   as it comes.
  init(_ request: HTTPRequest, on connections: SharedConnection, bodyLimit: Int?) {
    self.request = request
    self.connections = connections
    self.bodyLimit = bodyLimit
  }

  // MARK: The task's side

  /// Sends the request. From any thread.
  func start() {
    let timeout = request.timeout
    let isRunning = connections.loop.execute { [self] in
      guard !isOver else { return }
      if let timeout {
        timer = connections.loop.schedule(after: timeout) { [weak self] in
          self?.fail("did not answer within \(timeout)", retryable: true)
        }
      }
      send()
    }
    guard !isRunning else { return }
    // There is no loop any more whose state this could disturb.
    change { $0.end = .failure(Failure(.unavailable, "\(name): the loop '\(connections.loop.name)' has ended")) }
  }

  /// Gives the request up, unless it is over. From any thread.
  func cancel() {
    connections.loop.execute { [self] in
      guard !isOver else { return }
      end(.failure(Failure(.unavailable, "\(name): the caller does not wait for the answer any more")))
      stream?.reset(.cancel)
    }
  }

  /// Waits for the answer's head.
  func head() async throws(Failure) -> Head {
    try await wait { inbox in
      if let head = inbox.head { return .success(head) }
      guard case .failure(let failure) = inbox.end else { return nil }
      return .failure(failure)
    }
  }

  /// Waits for bytes of the body. nil at its end.
  func next() async throws(Failure) -> [UInt8]? {
    let bytes: [UInt8]? = try await wait { inbox in
      guard inbox.bytes.isEmpty else {
        defer { inbox.bytes = [] }
        return .success(inbox.bytes)
      }
      return inbox.end.map { end in end.map { nil } }
    }
    if let bytes, bodyLimit == nil {
      connections.loop.execute { [self] in stream?.consume(bytes.count) }
    }
    return bytes
  }

  /// The fields behind the body, at its end.
  var trailers: HTTPFields { inbox.withLock { $0.trailers } }

  /// Waits until `take` finds what it looks for. A task that is cancelled gives the request up, and finds that.
  private func wait<Value: Sendable>(_ take: (inout Inbox) -> Result<Value, Failure>?) async throws(Failure) -> Value {
    while true {
      let (result, seen) = inbox.withLock { (take(&$0), $0.changes) }
      if let result { return try result.get() }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isLate = inbox.withLock { inbox in
            guard inbox.changes == seen else { return true }
            precondition(inbox.waiter == nil, "one task at a time waits for an answer")
            inbox.waiter = continuation
            return false
          }
          if isLate { continuation.resume() }
        }
      } onCancel: {
        cancel()
      }
    }
  }

  private func change(_ body: (inout Inbox) -> Void) {
    let waiter = inbox.withLock { inbox in
      body(&inbox)
      inbox.changes += 1
      defer { inbox.waiter = nil }
      return inbox.waiter
    }
    waiter?.resume()
  }

  // MARK: The loop's side

  private func send() {
    triesLeft -= 1
    connections.use { [self] connection in
      guard !isOver else { return }
      self.connection = connection
      var fields = request.fields
      if !request.body.isEmpty, fields["content-length"] == nil {
        fields.append("content-length", "\(request.body.count)")
      }
      let head = HTTPFields.request(
        method: request.method, path: request.path, scheme: connection.isSecure ? "https" : "http",
        authority: connections.endpoint.description, fields)
      do throws(Failure) {
        let stream = try connection.open(head, endsStream: request.body.isEmpty, handler: self)
        self.stream = stream
        guard !request.body.isEmpty else { return }
        request.body.withUnsafeBytes { stream.send(copying: $0) }
        stream.end()
      } catch {
        failed(error, isUnprocessed: error.retryable)
      }
    }
  }

  func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {
    guard !isOver else { return }
    guard let status = head.status else { return fail("answered without a status") }
    if bodyLimit == nil { stopTimer() }
    change { $0.head = Head(status: status, fields: head.withoutPseudoFields) }
  }

  func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) {
    received += data.count
    // What nobody takes any more is thrown away. What is gathered is bounded here, and what is taken as it comes by the window.
    if isOver || bodyLimit != nil { stream.consume(data.count) }
    guard !isOver else { return }
    if let bodyLimit, received > bodyLimit {
      return fail("answered with more than the \(bodyLimit) bytes that are taken")
    }
    change { $0.bytes += data }
  }

  func received(trailers: HTTPFields, on stream: HTTP2Stream) { change { $0.trailers = trailers } }

  func receivedEnd(on stream: HTTP2Stream) {
    guard !isOver else { return }
    end(.success(()))
    // The answer is there: what of the request has not been sent, nobody wants.
    if !stream.hasSentAll { stream.reset(.cancel) }
  }

  func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {
    self.stream = nil
    switch end {
    case .finished: fail("ended the answer without its end")
    case .reset(let code, _): fail("gave the request up (\(code))", retryable: true)
    case .unprocessed(let failure): failed(failure, isUnprocessed: true)
    case .failed(let failure): failed(failure, isUnprocessed: false)
    }
  }

  /// - Parameter isUnprocessed: whether the server has not begun with it, so that it does no harm to send it again.
  private func failed(_ failure: Failure, isUnprocessed: Bool) {
    guard !isOver else { return }
    // Of a server that is not reached, the caller decides when to try again.
    if isUnprocessed, triesLeft > 0, connection?.wasConnected == true { return send() }
    end(.failure(failure.within(name)))
  }

  private func fail(_ text: String, retryable: Bool = false) {
    guard !isOver else { return }
    end(.failure(Failure(.io, retryable: retryable, "\(name): the server \(text)")))
    stream?.reset(.cancel)
  }

  private func end(_ result: Result<Void, Failure>) {
    isOver = true
    stopTimer()
    change { $0.end = result }
  }

  private func stopTimer() {
    timer?.cancel()
    timer = nil
  }

  /// Such as `GET /healthz at localhost:8080`.
  private var name: String { "\(request.method) \(request.path) at \(connections.endpoint)" }
}
