import Arrow
import Base

/// Stands between a source's inputs and its window: passes on what is plain, and decompresses what is not, however many wholes an
/// input holds one after the other (members of gzip, frames of zstd).
///
/// One chunk of input and the window's room are all the memory that it takes, whatever the input expands to.
final class Decompressor {
  private enum Phase {
    /// What the input is, is not known yet.
    case head
    case plain
    case inside(any BufferCoder)
    /// Behind the end of a whole, before another one or the end.
    case between(any BufferCoder)
  }

  private let compression: InputCompression
  /// By the codec's name, kept for the inputs to come.
  private var coders: [String: any BufferCoder] = [:]
  private var phase = Phase.plain
  private let raw: UnsafeMutableRawBufferPointer
  /// The bytes of `raw` that were read and not yet used.
  private var unused = 0..<0
  /// Where in its file the first of them stands.
  private var offset: Int64 = 0
  private var isRawEnd = false
  /// Whether the coder may have output that did not fit.
  private var mayHoldOutput = false

  /// - Parameter rawBytes: how much compressed data is read at once.
  init(_ compression: InputCompression, rawBytes: Int = 256 << 10) {
    self.compression = compression
    raw = .allocate(byteCount: max(rawBytes, CodecSet.magicLimit), alignment: 16)
  }

  deinit { raw.deallocate() }

  /// The next bytes come from another input.
  ///
  /// - Parameter isStart: whether they are its first ones; an input that is read from its middle is plain.
  func restart(isStart: Bool) {
    phase = isStart && compression.choice != .plain ? .head : .plain
    unused = 0..<0
    offset = 0
    isRawEnd = false
    mayHoldOutput = false
  }

  /// Whether the input's bytes are passed on as they are; also while that is not known.
  var isPlain: Bool {
    switch phase {
    case .plain, .head: true
    case .inside, .between: false
    }
  }

  /// As `InputFile.fill`: at most `count` bytes behind the window's content.
  ///
  /// - Throws: also `data` when the input is damaged or ends early, and `usage` when no plugin brings its codec.
  func fill(
    _ window: ByteWindow, count: Int, from file: InputFile, waiting duration: Duration, wake: WakePipe
  ) throws(Failure) -> InputFile.Fill {
    while true {
      switch phase {
      case .plain:
        guard unused.isEmpty else { return .bytes(passOn(to: window)) }
        return try file.fill(window, count: count, waiting: duration, wake: wake)
      case .head:
        switch compression.detect(unusedBytes, isWhole: isRawEnd, name: file.name) {
        case .plain:
          phase = .plain
          if isRawEnd && unused.isEmpty { return .end }
        case .codec(let name): phase = .between(try coder(name, file))
        case .undecided: if case .nothing = try pull(file, duration, wake) { return .nothing }
        }
      case .between(let coder):
        skipPadding()
        if !unused.isEmpty {
          try within(file) { () throws(Failure) in try coder.begin(.decompress) }
          phase = .inside(coder)
        } else if isRawEnd {
          return .end
        } else if case .nothing = try pull(file, duration, wake) {
          return .nothing
        }
      case .inside(let coder):
        if unused.isEmpty, !isRawEnd, !mayHoldOutput, case .nothing = try pull(file, duration, wake) {
          return .nothing
        }
        let produced = try step(coder, window, count, file)
        // A stop is seen also in an input that gives nothing for very long.
        if produced > 0 || wake.isWoken { return .bytes(produced) }
      }
    }
  }

  private var unusedBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: raw[unused]) }

  private func use(_ count: Int) {
    unused = unused.dropFirst(count)
    offset += Int64(count)
  }

  private func step(
    _ coder: any BufferCoder, _ window: ByteWindow, _ count: Int, _ file: InputFile
  ) throws(Failure) -> Int {
    let room = UnsafeMutableRawBufferPointer(start: window.room(count), count: count)
    let step = try within(file) { () throws(Failure) in
      try coder.step(unusedBytes, into: room, isLast: isRawEnd)
    }
    use(step.consumed)
    window.append(step.produced)
    mayHoldOutput = step.produced == count
    if step.isAtEnd {
      phase = .between(coder)
    } else if isRawEnd, step.produced == 0, step.consumed == 0 {
      throw damage(file, Failure(.data, "the compressed data ends early"))
    }
    return step.produced
  }

  /// Hands what was read to find out about the input to the window.
  private func passOn(to window: ByteWindow) -> Int {
    let bytes = unusedBytes
    UnsafeMutableRawBufferPointer(start: window.room(bytes.count), count: bytes.count).copyMemory(from: bytes)
    window.append(bytes.count)
    use(bytes.count)
    return bytes.count
  }

  /// Zeros behind a whole fill up a block of a tape or a disk: gzip(1), "Trailing zero bytes".
  private func skipPadding() {
    guard offset > 0 else { return }
    use(unusedBytes.prefix { $0 == 0 }.count)
  }

  /// Reads further bytes behind those that are left.
  private func pull(_ file: InputFile, _ duration: Duration, _ wake: WakePipe) throws(Failure) -> InputFile.Fill {
    let left = unusedBytes
    if unused.lowerBound > 0 { raw.copyMemory(from: left) }
    unused = 0..<left.count
    let room = UnsafeMutableRawBufferPointer(rebasing: raw[left.count...])
    let fill = try file.read(into: room, waiting: duration, wake: wake)
    switch fill {
    case .bytes(let count): unused = 0..<(left.count + count)
    case .end: isRawEnd = true
    case .nothing: break
    }
    return fill
  }

  private func coder(_ name: String, _ file: InputFile) throws(Failure) -> any BufferCoder {
    if let coder = coders[name] { return coder }
    let coder = try compression.makeCoder(name, for: file.name)
    coders[name] = coder
    return coder
  }

  private func within<Value>(
    _ file: InputFile, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    do throws(Failure) {
      return try body()
    } catch {
      throw damage(file, error)
    }
  }

  private func damage(_ file: InputFile, _ reason: Failure) -> Failure {
    var failure = reason
    failure.message =
      "\(compression.place): \(file.name): cannot be decompressed behind byte \(offset): \(reason.message); the rows before it may "
      + "be processed already, so write the file anew and run the job again"
    return failure
  }
}
