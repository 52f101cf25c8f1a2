/// One request of HTTP/1.1 or HTTP/1.0, complete: RFC 9112.
public struct HTTP1Request: Sendable, Hashable {
  public enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
  }

  public var method: Method
  /// The path with its query, as it was sent, from the slash on.
  public var target: String
  /// Names are lower case.
  public var fields = HTTPFields()
  /// Decoded, if it came in chunks.
  public var body: [UInt8] = []
  /// Whether the client speaks HTTP/1.1 and not HTTP/1.0.
  public var isHTTP11: Bool
  /// Whether the connection stays open afterwards, if the client has its way.
  public var keepsAlive: Bool
}

/// What a request is answered with.
public struct HTTP1Response: Sendable, Hashable {
  public var status: Int
  /// Those that say how the message is framed are added, and left out if they are here.
  public var fields: HTTPFields
  /// Not sent to a HEAD request, though its length is.
  public var body: [UInt8]

  public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
    precondition((200...599).contains(status), "a response's status is 200 to 599")
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// A response whose body is one line of text.
  public init(status: Int, text: String) {
    self.init(status: status, fields: ["content-type": "text/plain; charset=utf-8"], body: Array((text + "\n").utf8))
  }

  /// The phrases of RFC 9110 section 15, for those statuses that are used here.
  static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 417: "Expectation Failed"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Status \(status)"
    }
  }

  private static let framing = ["content-length", "connection", "transfer-encoding", "keep-alive"]

  /// Appends the response as it is sent.
  ///
  /// - Parameters:
  ///   - request: nil when what came was no request.
  ///   - closes: whether the connection is closed afterwards, and the client told so.
  func append(to queue: inout OutputQueue, for request: HTTP1Request?, closes: Bool) {
    var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
    for field in fields where !Self.framing.contains(field.name) && !field.name.hasPrefix(":") {
      head += "\(field.name): \(field.value)\r\n"
    }
    let mayHaveBody = status != 204 && status != 304
    if mayHaveBody { head += "content-length: \(body.count)\r\n" }
    if closes {
      head += "connection: close\r\n"
    } else if request?.isHTTP11 == false {
      head += "connection: keep-alive\r\n"
    }
    head += "\r\n"
    queue.append(copying: head.utf8)
    if mayHaveBody, request?.method != .head { queue.append(copying: body) }
  }
}

/// Bounds and times of a connection of HTTP/1.1.
public struct HTTP1Options: Sendable {
  /// Bytes of a request's first line; more are answered with 414.
  public var maxRequestLine = 8 * 1024
  /// Bytes of a request's head, or of what surrounds its chunks; more are answered with 431.
  public var maxHead = 16 * 1024
  /// Fields of a head; more are answered with 431.
  public var maxFields = 100
  /// Bytes of a body; more are answered with 413.
  public var maxBody = 1 << 20
  /// Bytes that may wait behind a request that is not answered yet, before ``HTTP1Session/wantsInput`` is false.
  public var maxWaiting = 64 * 1024
  /// Nanoseconds from a request's first byte to the end of its head; later it is answered with 408.
  public var headTimeout: Int64 = 10_000_000_000
  /// Nanoseconds from there to the end of its body.
  public var bodyTimeout: Int64 = 60_000_000_000
  /// Nanoseconds that a connection may be quiet between requests.
  public var idleTimeout: Int64 = 60_000_000_000

  public init() {}
}
