import Arrow
import Base
import VolleyPlan

/// How a sink compresses its files: by its option `compression`, else by the end of its path.
struct OutputCompression: Sendable {
  let codec: any BufferCodec
  /// The codec's own.
  let options: JSONValue
  let uid: String

  /// Reads the options `compression` ("auto", "none" or the name of a codec) and `compressionLevel`; nil when files are plain.
  init?(_ path: String, _ options: inout ConnectorOptions, _ codecs: CodecSet, uid: String) throws(Failure) {
    let text = try options.string("compression") ?? "auto"
    let level = try options.int("compressionLevel")
    guard text != "none", let name = text == "auto" ? codecs.name(forSuffixOf: path) : text else {
      guard level == nil else {
        throw Failure(
          .usage,
          "\(options.place): option 'compressionLevel' is given and the files are not compressed; give 'compression' too, or "
            + "leave it out")
      }
      return nil
    }
    codec = try codecs.codec(named: name, for: options.place)
    self.options = .object(level.map { [JSONValue.Member("level", .int($0))] } ?? [])
    self.uid = uid
  }

  /// What the names of files in a directory end with, behind their format.
  var suffix: String { codec.suffix ?? ".\(codec.name)" }
}

/// The compressors of one sink: those of completed files are used again.
final class CompressorPool {
  private let compression: OutputCompression
  private var idle: [Compressor] = []

  init(_ compression: OutputCompression) { self.compression = compression }

  func take() throws(Failure) -> Compressor {
    if let compressor = idle.popLast() { return compressor }
    return Compressor(try compression.codec.makeCoder(uid: compression.uid, options: compression.options))
  }

  /// - Parameter compressor: one whose file is complete or discarded.
  func giveBack(_ compressor: Compressor) { idle.append(compressor) }
}

/// Compresses what goes to one file at a time.
///
/// `endWhole` ends a whole (a member of gzip, a frame of others): a reader then has all that was written.
final class Compressor {
  private let coder: any BufferCoder
  private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
  private var isInside = false

  init(_ coder: any BufferCoder) { self.coder = coder }

  deinit { room.deallocate() }

  /// Forgets what was not ended.
  func restart() { isInside = false }

  /// - Returns: bytes that went to the file.
  func write(_ bytes: UnsafeRawBufferPointer, to file: any ByteOutput) throws(Failure) -> Int {
    guard !bytes.isEmpty else { return 0 }
    try beginWhole()
    var taken = 0
    var written = 0
    while taken < bytes.count {
      let step = try coder.step(UnsafeRawBufferPointer(rebasing: bytes[taken...]), into: room, isLast: false)
      taken += step.consumed
      written += try write(step.produced, to: file)
    }
    return written
  }

  /// Ends the whole that was begun, if any.
  ///
  /// - Parameter evenEmpty: also when none was: a file needs one.
  /// - Returns: bytes that went to the file.
  func endWhole(evenEmpty: Bool = false, to file: any ByteOutput) throws(Failure) -> Int {
    guard isInside || evenEmpty else { return 0 }
    try beginWhole()
    var written = 0
    while isInside {
      let step = try coder.step(UnsafeRawBufferPointer(start: nil, count: 0), into: room, isLast: true)
      written += try write(step.produced, to: file)
      isInside = !step.isAtEnd
    }
    return written
  }

  private func beginWhole() throws(Failure) {
    guard !isInside else { return }
    try coder.begin(.compress)
    isInside = true
  }

  private func write(_ count: Int, to file: any ByteOutput) throws(Failure) -> Int {
    guard count > 0, let start = room.baseAddress else { return 0 }
    try file.write(start.assumingMemoryBound(to: UInt8.self), count)
    return count
  }
}
