/// The value of `content-type` in gRPC: `application/grpc`, possibly with `+proto`.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Content-Type"
enum GRPCContentType {
  /// What this side sends.
  static let text = "application/grpc"

  /// Whether messages of that type are protobuf's. Parameters after a semicolon do not matter.
  static func isProtobuf(_ value: String?) -> Bool {
    guard let value else { return false }
    let type = value.prefix { $0 != ";" && $0 != " " }.lowercased()
    return type == text || type == "\(text)+proto"
  }
}
