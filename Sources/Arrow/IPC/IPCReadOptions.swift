/// What a reader of Arrow IPC accepts. The bounds are checked before memory is taken.
public struct IPCReadOptions: Sendable {
  /// Bytes of a message's header, or of a file's footer.
  public var headerBytes = 1 << 28
  /// Bytes of a message's body that is gathered in memory, and of a body's buffers after decompression.
  public var bodyBytes = 1 << 34
  /// Bytes of all dictionaries that are known at a time, which batch after batch may add to.
  public var dictionaryBytes = 1 << 34
  /// Types within types.
  public var nesting = 64
  /// Whether text is checked to be UTF-8. Only data of somebody who is known to check may go without.
  public var checksText = true
  /// What decompresses buffers.
  public var codecs = CodecSet.none
  /// The operator that reads: what logs of codecs name.
  public var uid = ""

  public init() {}
}
