/// The head of an answer, after which messages come.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Responses"
public struct GRPCResponseHead: Sendable {
  /// What compresses messages whose flag says so; nil: nothing does.
  public var encoding: String?
  public var metadata: GRPCMetadata

  public init(metadata: GRPCMetadata = GRPCMetadata()) { self.metadata = metadata }

  /// Reads the fields of an answer that goes on after its head. One that ends with it is ``GRPCTrailers``.
  ///
  /// - Throws: what the call ended with, when the answer is none of gRPC.
  public init(_ headers: GRPCHeaders) throws(GRPCStatus) {
    if let status = Self.foreign(headers) { throw status }
    encoding = headers.messageEncoding
    metadata = try GRPCMetadata(headers)
  }

  /// The fields that a server sends.
  public var headers: GRPCHeaders {
    let own: GRPCHeaders = [
      (":status", "200"), ("content-type", GRPCContentType.text), ("grpc-accept-encoding", "identity"),
    ]
    return own + metadata.headers
  }

  /// What an answer that is none of gRPC means.
  fileprivate static func foreign(_ headers: GRPCHeaders) -> GRPCStatus? {
    let status = headers.value(":status") ?? ""
    guard status == "200" else { return GRPCStatus(httpStatus: Int(status) ?? 0) }
    let type = headers.value("content-type")
    if GRPCContentType.isProtobuf(type) { return nil }
    return GRPCStatus(
      .unknown,
      "the answer's content type is \(type.map { "'\($0)'" } ?? "missing"), where application/grpc is expected; the server is none "
        + "of gRPC")
  }
}

/// The end of an answer: its status, and the metadata that goes with it.
public struct GRPCTrailers: Sendable {
  public var status: GRPCStatus
  public var metadata: GRPCMetadata

  /// Bytes that a message takes at most. Clients of gRPC refuse heads of more than 8 KiB, and would tell that instead
  /// of why.
  static let messageByteLimit = 4096

  public init(_ status: GRPCStatus, metadata: GRPCMetadata = GRPCMetadata()) {
    self.status = status
    self.metadata = metadata
  }

  /// Reads the fields of a trailer, or of the head of an answer that ends with it.
  public init(_ headers: GRPCHeaders) {
    metadata = GRPCMetadata(soundOf: headers)
    guard let text = headers.value("grpc-status") else {
      let foreign = headers.value(":status") == nil ? nil : GRPCResponseHead.foreign(headers)
      status = foreign ?? GRPCStatus(.unknown, "the answer ended without grpc-status")
      return
    }
    let message = PercentEncoding.decode(headers.value("grpc-message") ?? "")
    if let code = Int(text).flatMap(GRPCStatus.Code.init(rawValue:)) {
      status = GRPCStatus(code, message)
    } else {
      status = GRPCStatus(.unknown, "the answer has grpc-status '\(text)', where 0 to 16 are known: \(message)")
    }
  }

  /// The fields of a trailer after a head.
  public var headers: GRPCHeaders {
    var headers: GRPCHeaders = [("grpc-status", "\(status.code.rawValue)")]
    if !status.message.isEmpty {
      headers.append(("grpc-message", PercentEncoding.encode(status.message, limit: Self.messageByteLimit)))
    }
    return headers + metadata.headers
  }

  /// The fields of a head that is the whole answer.
  public var headersOnly: GRPCHeaders {
    let own: GRPCHeaders = [
      (":status", "200"), ("content-type", GRPCContentType.text), ("grpc-accept-encoding", "identity"),
    ]
    return own + headers
  }
}
