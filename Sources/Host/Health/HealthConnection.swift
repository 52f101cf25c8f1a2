import Base
import Networking

/// A connection on which the health of a job is asked. On its loop's thread.
final class HealthConnection: ByteChannelHandler, HTTP1SessionHandler {
  private let channel: ByteChannel
  private let session: HTTP1Session
  private let service: HealthService
  private let connections: Monitor<HealthServer.Connections>
  /// The others of the loop.
  private let peers: HealthPeers
  /// When something came last.
  private(set) var lastHeard: MonotonicTime
  private var timer: LoopTimer?
  /// It waits until the answers before it are gone: a client that asks and does not read holds one answer.
  private var request: HTTP1Request?
  /// It has asked, or may be about to, and has not got all of its answer.
  private var isWaiting = false
  private var hasAnswered = false
  /// It goes on with the next request in the next turn.
  private var isAnswering = false

  init(
    _ channel: ByteChannel, _ service: HealthService, _ connections: Monitor<HealthServer.Connections>,
    _ peers: HealthPeers
  ) {
    self.channel = channel
    self.service = service
    self.connections = connections
    self.peers = peers
    lastHeard = channel.loop.now
    var options = HTTP1Options()
    options.maxHead = 8 * 1024
    options.maxRequestLine = 4 * 1024
    options.maxBody = 4 * 1024
    options.maxWaiting = 4 * 1024
    // Longer than Prometheus waits between two scrapes.
    options.idleTimeout = 180_000_000_000
    session = HTTP1Session(options: options, at: channel.loop.now)
    super.init()
    session.handler = self
    note(isWaiting: true)
    peers.add(self)
  }

  /// Ends the connection to make room for another one.
  func makeRoom() { channel.abort() }

  private func note(isWaiting: Bool) {
    guard isWaiting != self.isWaiting else { return }
    self.isWaiting = isWaiting
    connections.withLock { $0.waiting += isWaiting ? 1 : -1 }
    if !isWaiting { connections.broadcast() }
  }

  override func connected(applicationProtocol: String?) { send() }

  override func received(_ bytes: UnsafeRawBufferPointer) {
    note(isWaiting: true)
    lastHeard = channel.loop.now
    session.receive(bytes, at: channel.loop.now)
  }

  override func receivedAll() { send() }

  override func receivedEnd() -> AfterEnd {
    session.receiveEnd()
    send()
    return .stayOpen
  }

  override func hasRoom() { send() }

  override func closed(_ failure: Failure?) {
    timer?.cancel()
    timer = nil
    note(isWaiting: false)
    peers.remove(self)
  }

  func received(_ request: HTTP1Request, in session: HTTP1Session) { self.request = request }

  /// It is told within `send`, which sends.
  func wantsOutput(_ session: HTTP1Session) {}

  /// Answers a request, if the answers before it leave, and waits for what comes next. One request in each turn of the loop:
  /// who has sent hundreds at once does not keep others waiting for theirs.
  private func send() {
    guard !isAnswering else { return }
    if channel.isOpen, channel.output.byteCount <= channel.options.lowOutput, let request {
      self.request = nil
      hasAnswered = true
      // The session gives the next request in this call, if it has come.
      session.respond(response(to: request), at: channel.loop.now)
    }
    session.produce(into: &channel.output)
    channel.flush()
    guard channel.isOpen else { return }
    if request != nil, channel.output.byteCount <= channel.options.lowOutput {
      isAnswering = true
      channel.loop.runSoon { [weak self] in
        self?.isAnswering = false
        self?.send()
      }
    }
    if hasAnswered && request == nil && channel.output.isEmpty { note(isWaiting: false) }
    if session.isEnded && request == nil { return channel.close() }
    if session.wantsInput { channel.resumeReading() } else { channel.pauseReading() }
    awaitTime()
  }

  private func response(to request: HTTP1Request) -> HTTP1Response {
    guard request.method != .post else {
      var response = HTTP1Response(status: 405, text: "there is nothing to send here; ask with GET")
      response.fields.append("allow", "GET, HEAD")
      return response
    }
    let answer = service.answer(to: request.target)
    return HTTP1Response(
      status: answer.status, fields: ["content-type": answer.contentType, "cache-control": "no-store"],
      body: Array(answer.body.utf8))
  }

  private func awaitTime() {
    guard let deadline = session.deadline else {
      timer?.cancel()
      return
    }
    let timer =
      timer
      ?? channel.loop.timer { [weak self] in
        guard let self else { return }
        session.handleTime(channel.loop.now)
        send()
      }
    self.timer = timer
    if !timer.isSet || timer.deadline != deadline { timer.set(at: deadline) }
  }
}
