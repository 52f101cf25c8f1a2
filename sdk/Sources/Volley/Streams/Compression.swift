import VolleyPlan

/// How the files of a source or sink are compressed. The codecs come from a plugin, such as Volley's own `Plugins/codecs` (gzip,
/// LZ4 frames, zstd), which the host loads with `--codec`.
public enum Compression: Sendable, Hashable {
  /// A source looks at each file's first bytes, then at the end of its name; a sink at the end of its path (".gz").
  case auto
  /// Files are read and written as they are, whatever their names.
  case none
  /// Every file is so compressed.
  ///
  /// - Parameter level: how hard a sink tries, in the codec's own numbers; nil: the codec's default. A source has no use for it.
  case codec(String, level: Int? = nil)

  public static var gzip: Compression { .codec("gzip") }
  public static var lz4: Compression { .codec("lz4_frame") }
  public static var zstd: Compression { .codec("zstd") }

  var sourceOptions: [JSONValue.Member] {
    switch self {
    case .auto: []
    case .none: [.init("compression", .string("none"))]
    case .codec(let name, _): [.init("compression", .string(name))]
    }
  }

  var sinkOptions: [JSONValue.Member] {
    guard case .codec(_, let level?) = self else { return sourceOptions }
    return sourceOptions + [.init("compressionLevel", .int(Int64(level)))]
  }
}
