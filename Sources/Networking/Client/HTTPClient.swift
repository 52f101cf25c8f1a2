import Base

/// A client of HTTP/2 for code that waits with `async`: control planes, not the data path.
///
/// Keeps one connection to one server, on which any number of requests are under way at once. What a server says it has not
/// begun with (a connection that drains, a refused stream) is sent again on another connection, at most ``HTTPExchange/tries``
/// times in all; everything else is the caller's to judge, by ``Failure/retryable``. May be used from any thread.
public final class HTTPClient: Sendable {
  private let connection: SharedConnection
  /// Bytes of an answer's body that ``send(_:)`` takes at most.
  private let bodyLimit: Int

  public init(
    to endpoint: Endpoint, on loop: EventLoop, options: SharedConnection.Options = SharedConnection.Options(),
    bodyLimit: Int = 64 << 20
  ) {
    connection = SharedConnection(to: endpoint, on: loop, options: options)
    self.bodyLimit = bodyLimit
  }

  deinit { connection.close() }

  public var endpoint: Endpoint { connection.endpoint }

  /// Lets requests that are under way end, and closes the connection. A later request makes a new one.
  public func close() { connection.close() }

  /// Sends a request and waits for the whole answer, whatever its status. A task that is cancelled gives the request up.
  ///
  /// - Throws: no answer came, or not in time, or one with more than the limit of bytes.
  public func send(_ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
    let exchange = HTTPExchange(request, on: connection, bodyLimit: bodyLimit)
    exchange.start()
    let head = try await exchange.head()
    var body: [UInt8] = []
    while let bytes = try await exchange.next() { if body.isEmpty { body = bytes } else { body += bytes } }
    return HTTPResponse(status: head.status, fields: head.fields, body: body, trailers: exchange.trailers)
  }

  /// Sends a request and waits for the answer's head; the body is taken from what is returned, as it comes. A task that is
  /// cancelled gives the request up.
  public func stream(_ request: HTTPRequest) async throws(Failure) -> HTTPResponseStream {
    let exchange = HTTPExchange(request, on: connection, bodyLimit: nil)
    exchange.start()
    let head = try await exchange.head()
    return HTTPResponseStream(status: head.status, fields: head.fields, exchange)
  }
}

/// An answer whose body is taken as it comes. The server is given room as it is taken, so that what nobody takes is at most
/// ``HTTP2Options/streamWindow`` bytes. Letting it go gives the rest up.
public final class HTTPResponseStream: Sendable {
  public let status: Int
  public let fields: HTTPFields
  private let exchange: HTTPExchange

  init(status: Int, fields: HTTPFields, _ exchange: HTTPExchange) {
    self.status = status
    self.fields = fields
    self.exchange = exchange
  }

  deinit { exchange.cancel() }

  /// The bytes that have come since the last call, or the next ones: never none. nil at the body's end. One task at a time; if
  /// it is cancelled, the rest is given up.
  public func next() async throws(Failure) -> [UInt8]? { try await exchange.next() }

  /// The fields behind the body, once ``next()`` has returned nil.
  public var trailers: HTTPFields { exchange.trailers }

  /// Gives the rest up: who waits for it is told so.
  public func cancel() { exchange.cancel() }
}
