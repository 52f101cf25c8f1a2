import CZlib
import Volley

/// gzip files (RFC 1952) by zlib.
struct Gzip: Codec {
  static let name = "gzip"
  static let summary: String? = "gzip (RFC 1952), by zlib \(ZLIB_VERSION)"
  static let suffix: String? = ".gz"
  static let magic: [UInt8] = [0x1F, 0x8B, 0x08]
  @Parameter("1 is fastest, 9 is smallest") var level = 6

  func makeCoder(_ context: TaskContext) throws -> any Coder {
    try checkLevel(level, 1...9, of: Self.name)
    return GzipCoder(level: level)
  }
}

/// One member a stream. zlib's states are made when they are first needed, and kept.
final class GzipCoder: Coder {
  private let level: Int
  private var deflater: UnsafeMutablePointer<z_stream>?
  private var inflater: UnsafeMutablePointer<z_stream>?
  private var direction = CodecDirection.compress

  /// 15 is the largest window, 16 asks for a gzip header: "deflateInit2" of zlib.h.
  private static let windowBits: Int32 = 15 + 16
  /// zlib counts in 32 bits.
  private static let most = 1 << 30

  init(level: Int) { self.level = level }

  deinit {
    if let deflater {
      deflateEnd(deflater)
      deflater.deallocate()
    }
    if let inflater {
      inflateEnd(inflater)
      inflater.deallocate()
    }
  }

  /// A state whose stream has ended is counted with a frame of zlib's format, which is 12 bytes shorter than one of gzip.
  func bound(_ byteCount: Int) throws -> Int { Int(deflateBound(try madeDeflater(), UInt(byteCount))) + 12 }

  func begin(_ direction: CodecDirection) throws {
    self.direction = direction
    let status = direction == .compress ? deflateReset(try madeDeflater()) : inflateReset(try madeInflater())
    guard status == Z_OK else { throw VolleyError("zlib cannot begin (status \(status))", domain: .internal) }
  }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws -> CodecStep {
    let stream = direction == .compress ? try madeDeflater() : try madeInflater()
    let (given, room) = (min(input.count, Self.most), min(output.count, Self.most))
    stream.pointee.next_in = input.baseAddress.map {
      UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
    }
    stream.pointee.avail_in = UInt32(given)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(room)
    let isLast = isLast && given == input.count
    let status =
      direction == .compress ? deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH) : inflate(stream, Z_NO_FLUSH)
    let step = CodecStep(
      consumed: given - Int(stream.pointee.avail_in), produced: room - Int(stream.pointee.avail_out),
      isAtEnd: status == Z_STREAM_END)
    switch status {
    case Z_STREAM_END: return step
    // "No progress was possible" is no error: more input or room goes on.
    case Z_OK, Z_BUF_ERROR:
      if direction == .decompress, isLast, step.consumed == input.count, step.produced < room { throw endsEarly() }
      return step
    case Z_MEM_ERROR: throw VolleyError("there is no memory for zlib", domain: .external, retry: true)
    default: throw isDamaged(stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)")
    }
  }

  private func madeDeflater() throws -> UnsafeMutablePointer<z_stream> {
    if let deflater { return deflater }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, Int32(level), Z_DEFLATED, Self.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    deflater = try Self.checked(stream, status)
    return stream
  }

  private func madeInflater() throws -> UnsafeMutablePointer<z_stream> {
    if let inflater { return inflater }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    inflater = try Self.checked(stream, status)
    return stream
  }

  private static func checked(
    _ stream: UnsafeMutablePointer<z_stream>, _ status: Int32
  ) throws(VolleyError) -> UnsafeMutablePointer<z_stream> {
    guard status == Z_OK else {
      stream.deallocate()
      throw VolleyError("there is no memory for zlib (status \(status))", domain: .external, retry: true)
    }
    return stream
  }
}
