import Arrow

extension GRPCTrailers {
  /// The status, with the message that Arrow's own servers send beside it: that of `grpc-message` goes on with the
  /// details of where it was raised, such as a traceback of many lines.
  public var flightStatus: GRPCStatus {
    guard let bytes = metadata.bytes("x-arrow-status-message-bin"), !bytes.isEmpty,
      bytes.withUnsafeBytes({ Utf8.isValid($0) })
    else { return status }
    return GRPCStatus(status.code, String(decoding: bytes, as: UTF8.self))
  }
}
