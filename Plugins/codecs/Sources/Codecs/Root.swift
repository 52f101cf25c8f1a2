import Volley

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> {
  export(
    codecs: [Gzip.self, LZ4Frame.self, Zstd.self], name: "codecs", version: "0.1.0",
    description: "gzip, LZ4 frames and Zstandard, for files and for buffers of Arrow files")
}
