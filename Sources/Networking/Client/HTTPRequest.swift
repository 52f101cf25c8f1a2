/// A request of HTTP, whole: RFC 9110.
public struct HTTPRequest: Sendable, Hashable {
  public var method: String
  /// The path with its query, from the slash on.
  public var path: String
  /// Those that say to whom it goes and how long it is are added. Names are lower case.
  public var fields: HTTPFields
  public var body: [UInt8]
  /// How long the answer may take, from the call on; nil: for ever. For ``HTTPClient/stream(_:)`` it is the answer's head that
  /// has to come in time.
  public var timeout: Duration?

  public init(
    _ method: String = "GET", _ path: String, fields: HTTPFields = [:], body: [UInt8] = [],
    timeout: Duration? = .seconds(30)
  ) {
    self.method = method
    self.path = path
    self.fields = fields
    self.body = body
    self.timeout = timeout
  }
}

/// The answer to a request, whole.
public struct HTTPResponse: Sendable, Hashable {
  public var status: Int
  public var fields: HTTPFields
  public var body: [UInt8]
  /// The fields behind the body; mostly none.
  public var trailers: HTTPFields
}
