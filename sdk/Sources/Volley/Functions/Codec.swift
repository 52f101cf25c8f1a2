/// A way to compress that a plugin offers: for the files that Volley reads and writes, and for buffers of Arrow files. The
/// `@Parameter`s of the type are the codec's options.
///
///     struct Brotli: Codec {
///       static let name = "brotli"
///       static let suffix: String? = ".br"
///       @Parameter("1 is fastest, 11 is smallest") var level = 5
///       func makeCoder(_ context: TaskContext) throws -> any Coder { BrotliCoder(level: level) }
///     }
///
///     @c(volley_plugin_root)
///     public func root() -> UnsafePointer<volley_plugin> { export(codecs: [Brotli.self]) }
public protocol Codec {
  init()
  /// What options and messages call it.
  static var name: String { get }
  /// By default the plugin's.
  static var version: String? { get }
  /// One sentence for `volley-host inspect`.
  static var summary: String? { get }
  /// How names of files end that it wrote, ".br"; nil when it is not for files.
  static var suffix: String? { get }
  /// What its output begins with, at most 16 bytes; empty when it cannot be told so.
  static var magic: [UInt8] { get }
  /// Its number in Arrow's IPC metadata (0 is LZ4_FRAME, 1 is ZSTD); nil when Arrow has none.
  static var arrowID: Int? { get }
  /// Once for each user of the codec, with the options set. An option that no coder can work with is an error here.
  func makeCoder(_ context: TaskContext) throws -> any Coder
}

extension Codec {
  public static var version: String? { nil }
  public static var summary: String? { nil }
  public static var suffix: String? { nil }
  public static var magic: [UInt8] { [] }
  public static var arrowID: Int? { nil }
}

/// Compresses and decompresses, whole buffers or streams, one after the other. Order of calls: open, whatever the host needs,
/// close; one thread at a time. After a call that threw, the coder is used on, for another buffer or stream.
///
/// What is decompressed may come from anybody: throw for damaged input, and take no memory because the input says so, but within
/// a fixed bound. Input may be empty and have no address; output never has less room than a byte in a step.
public protocol Coder: AnyObject {
  func open(_ context: TaskContext) throws
  /// Room that suffices for the compressed form of any `byteCount` bytes, by `compress`.
  func bound(_ byteCount: Int) throws -> Int
  /// Compresses all of `input` as one whole. Throws when `output` has no room for it. By default a stream does it.
  ///
  /// - Returns: bytes written.
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int
  /// Decompresses all of `input`, one whole or several in a row. Throws when it is damaged, ends early, or is more than `output`
  /// has room for. By default streams do it.
  ///
  /// - Returns: bytes written.
  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> Int
  /// Begins a stream of one whole; one that was not at its end is forgotten.
  func begin(_ direction: CodecDirection) throws
  /// Takes input and gives output, as much of both as it can, and makes do with any amount of either: with input, or with
  /// `isLast`, it takes some, gives some, ends, or throws.
  ///
  /// Compressing, the stream ends when `isLast` was said, all input was taken and all output given. Decompressing, it ends where
  /// the whole ends, and takes nothing behind that; a whole that goes on behind the last input is an error.
  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws -> CodecStep
  func close() throws
}

public enum CodecDirection: Sendable, Hashable {
  case compress, decompress
}

/// What a step of a stream did.
public struct CodecStep: Sendable, Hashable {
  /// Bytes of input that were taken.
  public var consumed: Int
  /// Bytes of output that were given.
  public var produced: Int
  /// Whether the stream has ended.
  public var isAtEnd: Bool

  public init(consumed: Int, produced: Int, isAtEnd: Bool) {
    self.consumed = consumed
    self.produced = produced
    self.isAtEnd = isAtEnd
  }
}

extension Coder {
  public func open(_ context: TaskContext) throws {}
  public func close() throws {}

  public func compress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    var whole = WholeBuffer(input, output)
    try whole.runStream(.compress, with: self)
    return whole.produced
  }

  public func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    guard !input.isEmpty else { throw VolleyError("the input is empty, which is no compressed data") }
    var whole = WholeBuffer(input, output)
    repeat { try whole.runStream(.decompress, with: self) } while whole.hasInput
    return whole.produced
  }
}

/// A buffer that goes through streams in one go.
private struct WholeBuffer {
  private let input: UnsafeRawBufferPointer
  private let output: UnsafeMutableRawBufferPointer
  private var consumed = 0
  private(set) var produced = 0

  init(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) {
    self.input = input
    self.output = output
  }

  var hasInput: Bool { consumed < input.count }

  mutating func runStream(_ direction: CodecDirection, with coder: some Coder) throws {
    try coder.begin(direction)
    while try !step(coder) {}
  }

  /// Whether the stream has ended.
  private mutating func step(_ coder: some Coder) throws -> Bool {
    let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
    guard produced < output.count else { return try stepWithoutRoom(coder, rest) }
    let room = UnsafeMutableRawBufferPointer(rebasing: output[produced...])
    let step = try coder.step(rest, into: room, isLast: true)
    consumed += step.consumed
    produced += step.produced
    return step.isAtEnd
  }

  /// All room is used, yet what ends the stream may still have to be read: one byte beside the output tells whether it goes on.
  private mutating func stepWithoutRoom(_ coder: some Coder, _ rest: UnsafeRawBufferPointer) throws -> Bool {
    let step = try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { spare in
      try coder.step(rest, into: spare, isLast: true)
    }
    guard step.produced == 0 else {
      throw VolleyError("the output is more than the \(output.count) bytes that there is room for")
    }
    consumed += step.consumed
    return step.isAtEnd
  }
}
