extension GRPCStatus {
  /// What an answer without `grpc-status` means, which comes from a proxy or a server of something else.
  /// Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
  ///
  /// - Parameter httpStatus: the value of `:status`.
  public init(httpStatus: Int) {
    let code: Code =
      switch httpStatus {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
    self.init(
      code,
      "the answer has HTTP status \(httpStatus) and no grpc-status; a proxy, or a server that is none of gRPC, gave it")
  }

  /// What the end of a stream by RST_STREAM means.
  /// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Errors"
  ///
  /// - Parameter http2Error: the code of the frame (RFC 9113, section 7).
  public init(http2Error: UInt32) {
    let name =
      Self.http2Names.indices.contains(Int(http2Error)) ? Self.http2Names[Int(http2Error)] : "code \(http2Error)"
    let code: Code =
      switch http2Error {
      case 0x7: .unavailable
      case 0x8: .cancelled
      case 0xB: .resourceExhausted
      case 0xC: .permissionDenied
      case 0x0...0x4, 0x6, 0x9, 0xA: .internal
      default: .unknown
      }
    self.init(code, "the peer ended the stream with HTTP/2's \(name)")
  }

  /// The code of RST_STREAM by which a call is given up: its peer sees the same status, as far as there is one for it.
  public var http2Error: UInt32 {
    switch code {
    case .ok: 0x0
    case .cancelled, .deadlineExceeded: 0x8
    case .unavailable: 0x7
    case .resourceExhausted: 0xB
    case .permissionDenied: 0xC
    default: 0x2
    }
  }

  /// The names of RFC 9113, section 7, by code.
  private static let http2Names = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
  ]
}
