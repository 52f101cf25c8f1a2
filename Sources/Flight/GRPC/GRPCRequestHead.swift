/// The head of a call.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Requests"
public struct GRPCRequestHead: Sendable {
  public var path: GRPCPath
  /// The host that the client wants, with its port; empty when it did not say.
  public var authority: String
  /// Nanoseconds that the whole call may take, from the arrival of its head on.
  public var timeout: Int64?
  /// What compresses messages whose flag says so; nil: nothing does.
  public var encoding: String?
  public var metadata: GRPCMetadata

  public init(
    _ path: GRPCPath, authority: String, timeout: Int64? = nil, metadata: GRPCMetadata = GRPCMetadata()
  ) {
    self.path = path
    self.authority = authority
    self.timeout = timeout
    self.metadata = metadata
  }

  /// Reads the fields of a stream's first head.
  public init(_ headers: GRPCHeaders) throws(GRPCRefusal) {
    guard headers.value(":method") == "POST" else {
      throw .http(405, "gRPC's calls are POST; this one is \(headers.value(":method") ?? "none")")
    }
    let type = headers.value("content-type")
    guard GRPCContentType.isProtobuf(type) else {
      throw .http(415, "the content type is \(type.map { "'\($0)'" } ?? "missing"), where application/grpc is expected")
    }
    let text = headers.value(":path") ?? ""
    guard let path = GRPCPath(text) else {
      throw .status(GRPCStatus(.unimplemented, "the path '\(text)' is not of the form /service/method"))
    }
    self.path = path
    authority = headers.value(":authority") ?? headers.value("host") ?? ""
    timeout = try headers.value("grpc-timeout").map { text throws(GRPCRefusal) in
      guard let timeout = GRPCTimeout.nanoseconds(text) else {
        throw .status(
          GRPCStatus(
            .invalidArgument, "grpc-timeout is '\(text)', where one to eight digits and a unit of HMSmun are expected"))
      }
      return timeout
    }
    encoding = headers.messageEncoding
    do throws(GRPCStatus) { metadata = try GRPCMetadata(headers) } catch { throw .status(error) }
  }

  /// The fields that a client sends.
  ///
  /// - Parameter isSecure: whether the connection has TLS.
  public func headers(isSecure: Bool, userAgent: String = "volley") -> GRPCHeaders {
    var headers: GRPCHeaders = [
      (":method", "POST"), (":scheme", isSecure ? "https" : "http"), (":path", path.text),
      (":authority", authority), ("te", "trailers"),
    ]
    if let timeout { headers.append(("grpc-timeout", GRPCTimeout.text(timeout))) }
    headers += [
      ("content-type", GRPCContentType.text), ("grpc-accept-encoding", "identity"), ("user-agent", userAgent),
    ]
    return headers + metadata.headers
  }
}

/// Why a call is not taken.
public enum GRPCRefusal: Error, Sendable, Hashable {
  /// It is none of gRPC: an HTTP status, and a sentence for its body.
  case http(Int, String)
  case status(GRPCStatus)

  /// The fields of the answer's only head.
  public var headers: GRPCHeaders {
    switch self {
    case .http(405, _): [(":status", "405"), ("allow", "POST")]
    case .http(let status, _): [(":status", "\(status)")]
    case .status(let status): GRPCTrailers(status).headersOnly
    }
  }

  /// What an HTTP client that is none of gRPC reads.
  public var body: String {
    switch self {
    case .http(_, let text): text + "\n"
    case .status: ""
    }
  }
}

extension GRPCHeaders {
  /// The first value of a name.
  func value(_ name: String) -> String? { first { $0.name == name }?.value }

  /// What compresses messages; nil for what leaves them as they are.
  var messageEncoding: String? {
    value("grpc-encoding").flatMap { $0.isEmpty || $0 == "identity" ? nil : $0 }
  }
}
