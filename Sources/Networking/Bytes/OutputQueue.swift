import Glibc

/// Bytes on their way to a peer, in order.
///
/// Large runs of bytes stay where they lie and are referenced until they are written; small ones are copied together, so that
/// a frame's head does not cost a vector of its own. Belongs to one thread at a time.
public struct OutputQueue: ~Copyable {
  /// One run of bytes.
  private struct Run {
    var address: UnsafeRawPointer
    var count: Int
    /// What keeps the bytes alive; nil once they are written.
    var owner: AnyObject?
  }

  /// Runs from `first` on wait; those before it are written, and go when they are many.
  private var runs: [Run] = []
  private var first = 0
  /// Where small runs are copied to; nil before the first one.
  private var block: CopyBlock?
  /// Bytes that wait.
  public private(set) var byteCount = 0

  /// Runs below this many bytes are copied by ``append(_:ownedBy:)``: a vector of writev(2) costs about as much.
  public static let copiedBelow = 512

  /// Whether the block for small runs stays when all bytes are written: for a connection, which writes small ones again and
  /// again, and not for each of its streams.
  private let keepsBlock: Bool

  public init(keepsBlock: Bool = false) { self.keepsBlock = keepsBlock }

  public var isEmpty: Bool { byteCount == 0 }

  /// Copies the bytes to the end.
  public mutating func append(copying bytes: UnsafeRawBufferPointer) {
    guard var address = bytes.baseAddress, !bytes.isEmpty else { return }
    var count = bytes.count
    byteCount += count
    while count > 0 {
      let block = room(for: count)
      let part = min(count, block.room)
      let start = block.append(address, part)
      if let last = runs.indices.last, last >= first, runs[last].owner === block,
        runs[last].address + runs[last].count == start
      {
        runs[last].count += part
      } else {
        runs.append(Run(address: start, count: part, owner: block))
      }
      address += part
      count -= part
    }
  }

  /// Copies the bytes to the end.
  public mutating func append(copying bytes: some Collection<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { append(copying: UnsafeRawBufferPointer($0)) }
    if done == nil { Array(bytes).withUnsafeBytes { append(copying: $0) } }
  }

  /// Takes the bytes to the end without copying them, unless they are few. `owner` is kept alive until they are written, and
  /// nobody changes them before.
  public mutating func append(_ bytes: UnsafeRawBufferPointer, ownedBy owner: AnyObject) {
    guard bytes.count >= Self.copiedBelow, let address = bytes.baseAddress else {
      return withExtendedLifetime(owner) { append(copying: bytes) }
    }
    byteCount += bytes.count
    runs.append(Run(address: address, count: bytes.count, owner: owner))
  }

  /// Moves the first `count` bytes to the end of another queue, without copying them.
  public mutating func move(_ count: Int, to other: inout OutputQueue) {
    precondition(count >= 0 && count <= byteCount, "a queue moves no more bytes than it has")
    var left = count
    while left > 0 {
      let run = runs[first]
      let part = min(left, run.count)
      guard let owner = run.owner else { preconditionFailure("a run that waits has an owner") }
      other.append(UnsafeRawBufferPointer(start: run.address, count: part), ownedBy: owner)
      removeFirst(part)
      left -= part
    }
  }

  /// Calls `body` with the first runs, as many as a vector of writev(2) and `atMost` bytes take, and removes as many bytes
  /// as it says that it has written.
  ///
  /// - Parameter body: is given one run at least, valid during the call; returns how many bytes it wrote, or a negative
  ///   number, which removes none.
  /// - Returns: what `body` returned; 0 when the queue is empty.
  @discardableResult
  public mutating func write(
    atMost limit: Int = .max, _ body: (UnsafeBufferPointer<iovec>) throws -> Int
  ) rethrows -> Int {
    guard byteCount > 0 else { return 0 }
    let written = try withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorLimit) { vectors in
      var count = 0
      var bytes = 0
      var index = first
      while index < runs.count, count < Self.vectorLimit, bytes < limit {
        let part = min(runs[index].count, limit - bytes)
        vectors.initializeElement(
          at: count, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: runs[index].address), iov_len: part))
        bytes += part
        count += 1
        index += 1
      }
      return try body(UnsafeBufferPointer(rebasing: vectors[..<count]))
    }
    if written > 0 {
      precondition(written <= byteCount, "a queue's writer writes no more than it was given")
      removeFirst(written)
    }
    return written
  }

  /// Forgets all bytes.
  public mutating func removeAll() {
    runs.removeAll()
    first = 0
    block = nil
    byteCount = 0
  }

  /// As many vectors as one writev(2) is given: Linux takes 1,024, and a megabyte seldom needs more than these.
  private static let vectorLimit = 64

  private mutating func removeFirst(_ count: Int) {
    byteCount -= count
    var left = count
    while left > 0 {
      let part = min(left, runs[first].count)
      runs[first].address += part
      runs[first].count -= part
      left -= part
      if runs[first].count == 0 {
        runs[first].owner = nil
        first += 1
      }
    }
    if first == runs.count {
      runs.removeAll(keepingCapacity: runs.count <= Self.kept)
      first = 0
      if !keepsBlock {
        block = nil
      } else if isKnownUniquelyReferenced(&block) {
        block?.empty()
      }
    } else if first >= Self.kept, first * 2 >= runs.count {
      runs.removeFirst(first)
      first = 0
    }
  }

  /// Runs that have been written stay in the array up to this many.
  private static let kept = 64

  /// The block that has room for a byte at least. The first one is as large as what comes, and each later one twice as large
  /// as the one before: ten thousand streams that have a little output each keep little memory.
  private mutating func room(for count: Int) -> CopyBlock {
    if let block, block.room > 0 { return block }
    let made = CopyBlock(atLeast: max(count, (block?.capacity ?? 0) * 2))
    block = made
    return made
  }

  /// Bytes of memory that copied runs take, with what is free in their blocks.
  var copiedCapacity: Int {
    var blocks: [ObjectIdentifier: Int] = [:]
    if let block { blocks[ObjectIdentifier(block)] = block.capacity }
    for case let block as CopyBlock in runs[first...].map(\.owner) { blocks[ObjectIdentifier(block)] = block.capacity }
    return blocks.values.reduce(0, +)
  }
}

/// A block to which small runs of bytes are copied, one behind the other.
private final class CopyBlock {
  let capacity: Int
  private let start: UnsafeMutableRawPointer
  private var used = 0

  private static let least = 256
  private static let most = 16 * 1024

  /// With room for `count` bytes, or as many as a block has at most.
  init(atLeast count: Int) {
    var capacity = Self.least
    while capacity < min(count, Self.most) { capacity *= 2 }
    self.capacity = capacity
    start = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { start.deallocate() }

  var room: Int { capacity - used }

  /// Forgets what was copied, once nobody refers to it.
  func empty() { used = 0 }

  /// Copies `count` bytes, for which there is room, and returns where they are.
  func append(_ bytes: UnsafeRawPointer, _ count: Int) -> UnsafeRawPointer {
    let place = start + used
    place.copyMemory(from: bytes, byteCount: count)
    used += count
    return UnsafeRawPointer(place)
  }
}
