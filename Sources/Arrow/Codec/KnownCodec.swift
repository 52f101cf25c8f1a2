/// The compressions that Volley's own codec plugin brings, `Plugins/codecs`. The host knows how they look, and nothing more, so
/// that it can say what is missing when that plugin is not loaded.
public struct KnownCodec: Sendable, Hashable {
  public var name: String
  public var suffix: String
  public var magic: [UInt8]
  /// As `BufferCodec.arrowID`.
  public var arrowID: Int?

  /// RFC 1952: the two identification bytes, and the one compression method there is.
  public static let gzip = KnownCodec(name: "gzip", suffix: ".gz", magic: [0x1F, 0x8B, 0x08], arrowID: nil)
  /// lz4_Frame_format.md of lz4, "Magic Number".
  public static let lz4Frame = KnownCodec(
    name: "lz4_frame", suffix: ".lz4", magic: [0x04, 0x22, 0x4D, 0x18], arrowID: 0)
  /// RFC 8878, "Zstandard Frames".
  public static let zstd = KnownCodec(name: "zstd", suffix: ".zst", magic: [0x28, 0xB5, 0x2F, 0xFD], arrowID: 1)

  public static let all = [gzip, lz4Frame, zstd]
}
