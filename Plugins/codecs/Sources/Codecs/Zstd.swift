import CZstd
import Volley

/// Zstandard (RFC 8878) by zstd; in Arrow's files it is ZSTD.
struct Zstd: Codec {
  static let name = "zstd"
  static let summary: String? =
    "Zstandard (RFC 8878), by zstd \(ZSTD_versionString().map { String(cString: $0) } ?? "")"
  static let suffix: String? = ".zst"
  static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
  static let arrowID: Int? = 1
  @Parameter("1 is fastest, 19 is smallest") var level = 3

  func makeCoder(_ context: TaskContext) throws -> any Coder {
    try checkLevel(level, 1...19, of: Self.name)
    return ZstdCoder(level: level)
  }
}

/// One frame a stream. zstd itself refuses frames that ask for a window of more than 128 MiB, which bounds its memory.
final class ZstdCoder: Coder {
  private let level: Int
  private var compressor: OpaquePointer?
  private var decompressor: OpaquePointer?
  private var direction = CodecDirection.compress

  init(level: Int) { self.level = level }

  deinit {
    ZSTD_freeCCtx(compressor)
    ZSTD_freeDCtx(decompressor)
  }

  // MARK: Whole buffers

  func bound(_ byteCount: Int) throws -> Int { try Self.checked(ZSTD_compressBound(byteCount)) }

  /// As Arrow's own writers do, without a checksum.
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int {
    let compressor = try readyCompressor(hasChecksum: false)
    return try Self.checked(
      ZSTD_compress2(compressor, output.baseAddress, output.count, input.baseAddress, input.count))
  }

  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int {
    guard !input.isEmpty else { throw VolleyError("the input is empty, which is no compressed data") }
    let decompressor = try readyDecompressor()
    let result = ZSTD_decompressDCtx(
      decompressor, output.baseAddress, output.count, input.baseAddress, input.count)
    if ZSTD_isError(result) != 0, ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall {
      throw VolleyError("the output is more than the \(output.count) bytes that there is room for")
    }
    return try Self.checked(result, isInput: true)
  }

  // MARK: Streams

  func begin(_ direction: CodecDirection) throws {
    self.direction = direction
    switch direction {
    case .compress: _ = try readyCompressor(hasChecksum: true)
    case .decompress: _ = try readyDecompressor()
    }
  }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws -> CodecStep {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    if direction == .compress {
      let left = try Self.checked(
        ZSTD_compressStream2(compressor, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue))
      return CodecStep(consumed: source.pos, produced: target.pos, isAtEnd: isLast && left == 0)
    }
    var hint = 1
    var progress = -1
    while hint != 0, source.pos + target.pos > progress, target.pos < target.size {
      progress = source.pos + target.pos
      hint = try Self.checked(ZSTD_decompressStream(decompressor, &target, &source), isInput: true)
    }
    if isLast, hint != 0, source.pos == source.size, target.pos < target.size { throw endsEarly() }
    return CodecStep(consumed: source.pos, produced: target.pos, isAtEnd: hint == 0)
  }

  // MARK: Contexts

  private func readyCompressor(hasChecksum: Bool) throws -> OpaquePointer {
    compressor = compressor ?? ZSTD_createCCtx()
    guard let compressor else { throw Self.noMemory }
    _ = try Self.checked(ZSTD_CCtx_reset(compressor, ZSTD_reset_session_and_parameters))
    _ = try Self.checked(ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, Int32(level)))
    _ = try Self.checked(ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, hasChecksum ? 1 : 0))
    return compressor
  }

  private func readyDecompressor() throws -> OpaquePointer {
    decompressor = decompressor ?? ZSTD_createDCtx()
    guard let decompressor else { throw Self.noMemory }
    _ = try Self.checked(ZSTD_DCtx_reset(decompressor, ZSTD_reset_session_only))
    return decompressor
  }

  private static var noMemory: VolleyError {
    VolleyError("there is no memory for zstd", domain: .external, retry: true)
  }

  private static func checked(_ result: Int, isInput: Bool = false) throws(VolleyError) -> Int {
    guard ZSTD_isError(result) != 0 else { return result }
    let reason = ZSTD_getErrorName(result).map { String(cString: $0) } ?? "unknown"
    if isInput { throw isDamaged(reason) }
    throw VolleyError(
      ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall
        ? "the output is more than there is room for" : "zstd failed: \(reason)", domain: .internal)
  }
}
