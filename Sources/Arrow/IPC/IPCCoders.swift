import Base

/// How the buffers of a body are compressed, as the header of their message numbers it.
/// Source: https://github.com/apache/arrow/blob/main/format/Message.fbs, `CompressionType`
///
/// A reader's coders, each made when it is first needed and kept. One thread at a time.
final class IPCCoders {
  private let options: IPCReadOptions
  private var coders: [Int: any BufferCoder] = [:]

  init(_ options: IPCReadOptions) { self.options = options }

  /// - Throws: a failure that names the codec and how to get it, when no plugin brings it.
  func coder(_ number: Int) throws(Failure) -> any BufferCoder {
    if let coder = coders[number] { return coder }
    let codec = try options.codecs.codec(arrowID: number, for: "the Arrow data")
    let coder = try codec.makeCoder(uid: options.uid)
    coders[number] = coder
    return coder
  }
}
