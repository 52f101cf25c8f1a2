import Networking

/// Writes messages of gRPC.
public enum GRPCMessages {
  /// Appends a message with its prefix; copies it.
  ///
  /// - Parameter message: less than 4 GiB.
  public static func append(_ message: [UInt8], to queue: inout OutputQueue) {
    precondition(message.count <= Int(UInt32.max), "a message of gRPC has less than 4 GiB")
    queue.append(copying: GRPCPrefix.bytes(message.count))
    queue.append(copying: message)
  }

  /// Appends a message of protobuf with its prefix.
  public static func append(_ message: some ProtobufMessage, to queue: inout OutputQueue) {
    append(message.serialized(), to: &queue)
  }
}
