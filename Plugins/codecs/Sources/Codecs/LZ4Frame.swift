import CLZ4
import Volley

/// LZ4 frames (lz4_Frame_format.md of lz4) by lz4; in Arrow's files it is LZ4_FRAME.
struct LZ4Frame: Codec {
  static let name = "lz4_frame"
  static let summary: String? = "LZ4 frames, by lz4 \(LZ4F_getVersion())"
  static let suffix: String? = ".lz4"
  static let magic: [UInt8] = [0x04, 0x22, 0x4D, 0x18]
  static let arrowID: Int? = 0
  @Parameter("0 is fastest, 12 is smallest") var level = 0

  func makeCoder(_ context: TaskContext) throws -> any Coder {
    try checkLevel(level, 0...12, of: Self.name)
    return LZ4FrameCoder(level: level)
  }
}

/// One frame a stream. lz4 compresses only where there is room for the worst case, so a stream's output waits here for room.
final class LZ4FrameCoder: Coder {
  private let level: Int
  private var compressor: OpaquePointer?
  private var decompressor: OpaquePointer?
  private var direction = CodecDirection.compress
  private var waiting = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// The part of `waiting` that has to be given.
  private var unread = 0..<0
  private var hasEnded = false

  /// Bytes of input that are compressed at once.
  private static let chunk = 256 << 10
  /// LZ4F_HEADER_SIZE_MAX of lz4frame.h.
  private static let headerSize = 19

  init(level: Int) { self.level = level }

  deinit {
    LZ4F_freeCompressionContext(compressor)
    LZ4F_freeDecompressionContext(decompressor)
    waiting.deallocate()
  }

  private func preferences(hasChecksum: Bool) -> LZ4F_preferences_t {
    var preferences = LZ4F_preferences_t()
    preferences.compressionLevel = Int32(level)
    preferences.frameInfo.contentChecksumFlag = hasChecksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum
    if hasChecksum { preferences.frameInfo.blockSizeID = LZ4F_max256KB }
    return preferences
  }

  // MARK: Whole buffers

  func bound(_ byteCount: Int) -> Int {
    var preferences = preferences(hasChecksum: false)
    return LZ4F_compressFrameBound(byteCount, &preferences)
  }

  /// As Arrow's own writers do, without a checksum.
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int {
    let bound = bound(input.count)
    var preferences = preferences(hasChecksum: false)
    guard output.count < bound else {
      return try Self.checked(
        LZ4F_compressFrame(output.baseAddress, output.count, input.baseAddress, input.count, &preferences))
    }
    // Less room than the worst case needs may do all the same.
    return try withUnsafeTemporaryAllocation(byteCount: bound, alignment: 16) { spare in
      let count = try Self.checked(
        LZ4F_compressFrame(spare.baseAddress, spare.count, input.baseAddress, input.count, &preferences))
      guard count <= output.count else {
        throw VolleyError("the output is more than the \(output.count) bytes that there is room for")
      }
      output.copyMemory(from: UnsafeRawBufferPointer(rebasing: spare[..<count]))
      return count
    }
  }

  // MARK: Streams

  func begin(_ direction: CodecDirection) throws {
    self.direction = direction
    hasEnded = false
    unread = 0..<0
    if direction == .decompress {
      if decompressor == nil {
        _ = try Self.checked(LZ4F_createDecompressionContext(&decompressor, UInt32(LZ4F_VERSION)))
      }
      LZ4F_resetDecompressionContext(decompressor)
      return
    }
    if compressor == nil { _ = try Self.checked(LZ4F_createCompressionContext(&compressor, UInt32(LZ4F_VERSION))) }
    var preferences = preferences(hasChecksum: true)
    if waiting.baseAddress == nil {
      waiting = .allocate(
        byteCount: LZ4F_compressBound(Self.chunk, &preferences) + Self.headerSize, alignment: 16)
    }
    unread = 0..<(try Self.checked(LZ4F_compressBegin(compressor, waiting.baseAddress, waiting.count, &preferences)))
  }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws -> CodecStep {
    direction == .compress ? try compressStep(input, output, isLast) : try decompressStep(input, output, isLast)
  }

  private func compressStep(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, _ isLast: Bool
  ) throws -> CodecStep {
    var step = CodecStep(consumed: 0, produced: 0, isAtEnd: false)
    while true {
      let count = min(unread.count, output.count - step.produced)
      UnsafeMutableRawBufferPointer(rebasing: output[step.produced...]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: waiting[unread.prefix(count)]))
      unread = unread.dropFirst(count)
      step.produced += count
      guard unread.isEmpty else { return step }
      let rest = input[step.consumed...].prefix(Self.chunk)
      if !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        unread =
          0..<(try Self.checked(
            LZ4F_compressUpdate(compressor, waiting.baseAddress, waiting.count, part.baseAddress, part.count, nil)))
        step.consumed += part.count
      } else if isLast && !hasEnded {
        unread = 0..<(try Self.checked(LZ4F_compressEnd(compressor, waiting.baseAddress, waiting.count, nil)))
        hasEnded = true
      } else {
        step.isAtEnd = hasEnded
        return step
      }
    }
  }

  private func decompressStep(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, _ isLast: Bool
  ) throws -> CodecStep {
    var step = CodecStep(consumed: 0, produced: 0, isAtEnd: false)
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: input[step.consumed...])
      let room = UnsafeMutableRawBufferPointer(rebasing: output[step.produced...])
      var (taken, given) = (rest.count, room.count)
      let hint = try Self.checked(
        LZ4F_decompress(decompressor, room.baseAddress, &given, rest.baseAddress, &taken, nil), isInput: true)
      step.consumed += taken
      step.produced += given
      step.isAtEnd = hint == 0
      // Without progress it wants more of what is used up.
      if step.isAtEnd || (taken == 0 && given == 0) { break }
    }
    if isLast, !step.isAtEnd, step.consumed == input.count, step.produced < output.count { throw endsEarly() }
    return step
  }

  private static func checked(_ result: Int, isInput: Bool = false) throws(VolleyError) -> Int {
    guard LZ4F_isError(result) != 0 else { return result }
    let reason = LZ4F_getErrorName(result).map { String(cString: $0) } ?? "unknown"
    throw isInput ? isDamaged(reason) : VolleyError("lz4 failed: \(reason)", domain: .internal)
  }
}
