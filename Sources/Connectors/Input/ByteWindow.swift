import Glibc

/// The bytes of an input that were read and not yet decoded: a block of memory that is filled at its end and emptied at its
/// start, and used again and again.
///
/// A line feed stands behind the last byte, always, so that loops over the content need not compare addresses; and
/// `slack` bytes behind it may be read.
final class ByteWindow {
  static let slack = 64

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var start = 0
  private var end = 0
  /// Where in its file the first byte stands.
  private(set) var offset: Int64 = 0
  /// The line that it stands in, from 1, counted from where reading began.
  private(set) var line = 1
  /// Whether nothing follows these bytes.
  var isAtEnd = false
  /// Records that begin here or later belong to another split.
  private(set) var splitEnd = Int64.max
  /// A record longer than this is an error.
  let maxRecordBytes: Int

  init(capacity: Int, maxRecordBytes: Int) {
    self.capacity = capacity
    self.maxRecordBytes = maxRecordBytes
    memory = .allocate(capacity: capacity + Self.slack)
    // Zeroed, so that what lies behind the content is never undefined.
    memory.initialize(repeating: 0, count: capacity + Self.slack)
    memory[0] = UInt8(ascii: "\n")
  }

  deinit { memory.deallocate() }

  /// Forgets the content; what is read next stands at `offset` of its file.
  func restart(at offset: Int64, splitEnd: Int64) {
    start = 0
    end = 0
    memory[0] = UInt8(ascii: "\n")
    self.offset = offset
    self.splitEnd = splitEnd
    line = 1
    isAtEnd = false
  }

  var count: Int { end - start }

  /// The first byte.
  var first: UnsafePointer<UInt8> { UnsafePointer(memory + start) }

  /// Behind the last byte, where a line feed stands.
  var limit: UnsafePointer<UInt8> { UnsafePointer(memory + end) }

  /// Behind the last byte at which a record of this split may begin.
  var ownedLimit: UnsafePointer<UInt8> {
    let owned = splitEnd - offset
    return owned >= Int64(count) ? limit : first + max(0, Int(owned))
  }

  /// Moves the start on; `lines` line ends are passed.
  func advance(_ bytes: Int, lines: Int) {
    precondition(bytes >= 0 && bytes <= count, "a window is left within its bounds")
    start += bytes
    offset += Int64(bytes)
    line += lines
  }

  /// Room for at least `count` bytes behind the content; what is written there is told by `append`.
  func room(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    if start == end {
      start = 0
      end = 0
    }
    if capacity - end < count, start > 0 {
      memmove(memory, memory + start, end - start)
      end -= start
      start = 0
    }
    if capacity - end < count { grow(to: max(capacity * 2, end + count)) }
    memory[end] = UInt8(ascii: "\n")
    return memory + end
  }

  /// `count` bytes were written behind the content.
  func append(_ count: Int) {
    end += count
    memory[end] = UInt8(ascii: "\n")
  }

  private func grow(to newCapacity: Int) {
    let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity + Self.slack)
    grown.initialize(repeating: 0, count: newCapacity + Self.slack)
    memcpy(grown, memory + start, end - start)
    memory.deallocate()
    memory = grown
    end -= start
    start = 0
    capacity = newCapacity
  }

  /// The distance of the first line feed from the start, nil when there is none among the content from `from` on.
  func lineFeed(from: Int = 0) -> Int? {
    guard from < count, let found = memchr(memory + start + from, 10, count - from) else { return nil }
    return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - first
  }

  /// The first line end among the content from `from` on: its distance from the start, and its bytes. A carriage return counts
  /// if `endsAtReturn`; one that is the last byte so far only once it is known what follows.
  func lineEnd(from: Int = 0, endsAtReturn: Bool) -> (distance: Int, count: Int)? {
    guard endsAtReturn else { return lineFeed(from: from).map { ($0, 1) } }
    for index in from..<max(from, count) {
      if first[index] == 10 { return (index, 1) }
      if first[index] == 13 {
        guard index + 1 < count || isAtEnd else { return nil }
        return (index, index + 1 < count && first[index + 1] == 10 ? 2 : 1)
      }
    }
    return nil
  }

  /// Another window of the same bytes.
  func copy() -> ByteWindow {
    let other = ByteWindow(capacity: max(1, count), maxRecordBytes: maxRecordBytes)
    memcpy(other.room(count), first, count)
    other.append(count)
    other.isAtEnd = isAtEnd
    return other
  }
}
