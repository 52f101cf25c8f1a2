import Glibc
import Testing

/// python3 with pyarrow, whose codecs are others' work on the same formats: one process does many cases.
enum Peer {
  /// Compresses or decompresses each text with a codec.
  ///
  /// - Parameter call: a Python expression of `codec` (a name) and `data` (bytes), giving bytes, or None where it refuses.
  static func map(_ cases: [(codec: String, data: [UInt8])], _ call: String) throws -> [[UInt8]?] {
    let script = """
      import gzip, io, struct, sys, zlib
      import pyarrow as pa
      stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
      def packed(codec, data):
          if codec == "gzip":
              return gzip.compress(data, 1 + len(data) % 9)
          sink = io.BytesIO()
          with pa.CompressedOutputStream(sink, {"lz4_frame": "lz4", "zstd": "zstd"}[codec]) as stream:
              stream.write(data)
          return sink.getvalue() if not sink.closed else b""
      def whole(codec, data):
          return pa.Codec({"gzip": "gzip", "lz4_frame": "lz4", "zstd": "zstd"}[codec]).compress(data, asbytes=True)
      def opened(codec, data):
          if codec == "gzip":
              return gzip.decompress(data)
          return pa.CompressedInputStream(io.BytesIO(data), {"lz4_frame": "lz4", "zstd": "zstd"}[codec]).read()
      while True:
          head = stdin.read(5)
          if len(head) < 5: break
          codec = ["gzip", "lz4_frame", "zstd"][head[0]]
          data = stdin.read(struct.unpack("<I", head[1:])[0])
          try:
              result = \(call)
          except Exception:
              result = None
          stdout.write(struct.pack("<q", -1 if result is None else len(result)) + (result or b""))
      """
    var input: [UInt8] = []
    for (codec, data) in cases {
      let number = ["gzip", "lz4_frame", "zstd"].firstIndex(of: codec) ?? 255
      input.append(UInt8(number))
      withUnsafeBytes(of: UInt32(data.count).littleEndian) { input += $0 }
      input += data
    }
    let output = try run(script, input)
    var results: [[UInt8]?] = []
    var rest = output[...]
    while rest.count >= 8 {
      let count = rest.prefix(8).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
      rest = rest.dropFirst(8)
      results.append(count < 0 ? nil : Array(rest.prefix(Int(max(0, count)))))
      rest = rest.dropFirst(Int(max(0, count)))
    }
    try #require(
      results.count == cases.count, "python3 with pyarrow answered \(results.count) of \(cases.count) cases; install it"
    )
    return results
  }

  /// Through files, so that neither side waits for the other.
  private static func run(_ script: String, _ input: [UInt8]) throws -> [UInt8] {
    var template = Array("/tmp/codecs-peer-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    defer { _ = system("rm -rf \(folder)") }
    try write(Array(script.utf8), "\(folder)/script.py")
    try write(input, "\(folder)/input")
    let status = system("python3 \(folder)/script.py < \(folder)/input > \(folder)/output")
    try #require(status == 0, "python3 with pyarrow is needed: pip install pyarrow")
    return try read("\(folder)/output")
  }

  private static func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  private static func read(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
    }
  }
}

/// splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Text that compresses, noise that does not, runs, and nothing.
  mutating func document(upTo limit: Int) -> [UInt8] {
    let count =
      [0, 1, Int.random(in: 0...100, using: &self), Int.random(in: 0...limit, using: &self)].randomElement(using: &self)
      ?? 0
    let kind = Int.random(in: 0...2, using: &self)
    return (0..<count).map { index in
      switch kind {
      case 0: UInt8(truncatingIfNeeded: next())
      case 1: UInt8(ascii: "a") + UInt8(truncatingIfNeeded: next() % 3)
      default: UInt8(truncatingIfNeeded: index / 1000)
      }
    }
  }
}
