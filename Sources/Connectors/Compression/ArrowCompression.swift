import Arrow
import Base
import VolleyPlan

extension IPCWriteOptions {
  /// How an Arrow sink compresses the buffers of its batches: by its options `compression` ("auto" and "none": not, else the
  /// name of a codec that Arrow has a number for) and `compressionLevel`.
  ///
  /// The file as a whole is never compressed: a reader could not map it, and none expects it.
  ///
  /// - Parameter path: of the sink, empty for standard output.
  /// - Throws: `usage`: no plugin brings the codec, Arrow does not know it, or the path is named like a file that is compressed as
  ///   a whole.
  init(_ path: String, _ options: inout ConnectorOptions, _ codecs: CodecSet, uid: String) throws(Failure) {
    if let suffixed = codecs.name(forSuffixOf: path) {
      throw Failure(
        .usage,
        "\(options.place): option 'path' is '\(path)', which names a file that is compressed as a whole (\(suffixed)); Arrow files "
          + "compress their buffers instead: leave the suffix out and give 'compression' as 'lz4_frame' or 'zstd'")
    }
    self.init()
    guard let compression = try OutputCompression("", &options, codecs, uid: uid) else { return }
    guard compression.codec.arrowID != nil else {
      throw Failure(
        .usage,
        "\(options.place): option 'compression' is '\(compression.codec.name)', which Arrow has no number for; expected "
          + "'lz4_frame' or 'zstd'")
    }
    codec = compression.codec
    codecOptions = compression.options
    self.uid = uid
  }
}
