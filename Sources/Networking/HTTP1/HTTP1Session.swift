import Base

/// What happens on a connection of HTTP/1.1, told on the thread to which its session belongs.
public protocol HTTP1SessionHandler: AnyObject {
  /// A request came: answer it with ``HTTP1Session/respond(_:at:)``, now or later. The next one is told when that is done.
  func received(_ request: HTTP1Request, in session: HTTP1Session)
  /// There is something to send, or the session has ended: call ``HTTP1Session/produce(into:)`` soon. Not told from within
  /// `receive` and `handleTime`, after which the caller does so anyway.
  func wantsOutput(_ session: HTTP1Session)
}

/// The server's end of a connection of HTTP/1.1 or HTTP/1.0: RFC 9112. Pure: no sockets, no threads and no clock.
///
/// Requests are answered one after the other, also those that a client sends before it has the answer to an earlier one. A
/// body is kept whole, within ``HTTP1Options/maxBody``. Belongs to one thread at a time.
public final class HTTP1Session {
  public let options: HTTP1Options
  public weak var handler: (any HTTP1SessionHandler)?
  private var parser: HTTP1Parser
  /// Bytes behind a request that is not answered yet.
  private var waiting: [UInt8] = []
  /// The request that is to be answered.
  private var request: HTTP1Request?
  private var output = OutputQueue()
  private var isInside = false
  private var peerHasEnded = false
  /// No more requests are taken. Once what `produce` gave is written, the connection is to be closed.
  public private(set) var isEnded = false
  /// When the time for what is awaited began.
  private var since: MonotonicTime
  private var awaits = Awaited.request

  /// Whether a request has come: who has asked nothing yet is given no longer than for a head.
  private var hasAsked = false

  private enum Awaited { case request, head, body, answer }

  /// - Parameter now: the time on the clock that later calls use.
  public init(options: HTTP1Options = HTTP1Options(), at now: MonotonicTime) {
    self.options = options
    parser = HTTP1Parser(options)
    since = now
  }

  /// Whether more bytes are wanted now: not while many wait behind a request that is not answered.
  public var wantsInput: Bool { !isEnded && !peerHasEnded && waiting.count < options.maxWaiting }

  /// Takes what the client sent. Call ``produce(into:)`` afterwards.
  public func receive(_ bytes: UnsafeRawBufferPointer, at now: MonotonicTime) {
    guard !isEnded else { return }
    guard request == nil else {
      waiting.append(contentsOf: bytes)
      return
    }
    isInside = true
    advance(bytes, at: now)
    isInside = false
  }

  /// The client sends nothing more: what it has asked is answered, then this ends.
  public func receiveEnd() {
    peerHasEnded = true
    if request == nil { isEnded = true }
  }

  /// Answers the request that the handler was given last. Fields that no client would take are answered with 500 instead.
  public func respond(_ response: HTTP1Response, at now: MonotonicTime) {
    guard !isEnded else { return }
    guard let answered = request else { preconditionFailure("a response belongs to a request") }
    var response = response
    do throws(Failure) {
      try response.fields.check()
    } catch {
      response = HTTP1Response(status: 500, text: error.message)
    }
    let closes = !answered.keepsAlive || peerHasEnded && waiting.isEmpty
    response.append(to: &output, for: answered, closes: closes)
    request = nil
    since = now
    awaits = .request
    if closes {
      isEnded = true
      waiting = []
    }
    // A handler that answers at once is called from a loop, which goes on by itself.
    guard !isInside else { return }
    if !isEnded, !waiting.isEmpty {
      isInside = true
      let bytes = waiting
      waiting = []
      bytes.withUnsafeBytes { advance($0, at: now) }
      isInside = false
    }
    if peerHasEnded, request == nil { isEnded = true }
    handler?.wantsOutput(self)
  }

  /// Moves what the client is to be sent to the end of a queue.
  public func produce(into queue: inout OutputQueue) { output.move(output.byteCount, to: &queue) }

  /// Reads requests until one is not answered at once.
  private func advance(_ bytes: UnsafeRawBufferPointer, at now: MonotonicTime) {
    var offset = 0
    do throws(HTTP1Refusal) {
      while !isEnded, request == nil {
        switch try parser.parse(bytes, at: &offset) {
        case .needsMore: return noteProgress(at: now)
        case .wantsContinue:
          // Who sends the body without waiting needs no word.
          if offset == bytes.count { output.append(copying: "HTTP/1.1 100 Continue\r\n\r\n".utf8) }
        case .request(let complete):
          request = complete
          hasAsked = true
          awaits = .answer
          handler?.received(complete, in: self)
        }
      }
    } catch {
      HTTP1Response(status: error.status, text: "This is refused: \(error.text).").append(
        to: &output, for: nil, closes: true)
      isEnded = true
    }
    if !isEnded { waiting.append(contentsOf: bytes[offset...]) }
  }

  /// Notes what is awaited now, and since when.
  private func noteProgress(at now: MonotonicTime) {
    let next: Awaited = parser.isInBody ? .body : parser.isInRequest ? .head : .request
    if next != awaits {
      since = now
      awaits = next
    }
  }

  /// When ``handleTime(_:)`` has something to do; nil while a request is to be answered.
  public var deadline: MonotonicTime? {
    guard !isEnded else { return nil }
    return switch awaits {
    case .request: since + (hasAsked ? options.idleTimeout : min(options.idleTimeout, options.headTimeout))
    case .head: since + options.headTimeout
    case .body: since + options.bodyTimeout
    case .answer: nil
    }
  }

  /// Ends a connection whose client was too slow. Call ``produce(into:)`` afterwards.
  public func handleTime(_ now: MonotonicTime) {
    guard let deadline, now >= deadline else { return }
    if awaits != .request {
      HTTP1Response(status: 408, text: "This is refused: the request did not come in time.").append(
        to: &output, for: nil, closes: true)
    }
    isEnded = true
  }
}
