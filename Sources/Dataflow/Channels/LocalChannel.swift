import Observability
import Synchronization

/// A channel between two subtasks of one worker: a ring of slots, written by one and read by the other without a lock.
///
/// `head` and `tail` count elements since the start. A slot belongs to the writer until `tail` has passed it, then to the
/// reader until `head` has. All orders are sequentially consistent because both ends do the same dance: make a change,
/// then look whether the other one waits; announce that one waits, then look again whether there is a change.
public final class LocalChannel: ChannelReader, ChannelWriter, @unchecked Sendable {
  // Slots by the rule above; the listeners are set before the first element and not changed.

  /// The most elements that lie on it.
  public let elementLimit: Int
  /// The most bytes that lie on it, but for an element that is larger, which then lies there alone.
  public let byteLimit: Int

  private let slots: UnsafeMutablePointer<ChannelItem?>
  private let slotMask: Int
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)
  private let bytes = Atomic<Int>(0)
  private let writerWaits = Atomic<Bool>(false)
  private let highestBytes = Atomic<Int>(0)

  // Not retained: the job keeps subtasks and threads alive until none of them can touch a channel.
  private unowned(unsafe) var readerListener: (any ChannelListener)?
  private unowned(unsafe) var writerListener: (any ChannelListener)?

  public init(elementLimit: Int, byteLimit: Int) {
    precondition(elementLimit > 0 && byteLimit > 0, "a channel has room for something")
    self.elementLimit = elementLimit
    self.byteLimit = byteLimit
    var count = 1
    while count < elementLimit { count *= 2 }
    slotMask = count - 1
    slots = .allocate(capacity: count)
    slots.initialize(repeating: nil, count: count)
  }

  deinit {
    slots.deinitialize(count: slotMask + 1)
    slots.deallocate()
  }

  public func attachReader(_ listener: any ChannelListener) { readerListener = listener }
  public func attachWriter(_ listener: any ChannelListener) { writerListener = listener }

  public func offer(_ item: ChannelItem) -> Bool {
    let position = tail.load(ordering: .relaxed)
    if !hasRoom(at: position, for: item.byteCount) {
      writerWaits.store(true, ordering: .sequentiallyConsistent)
      guard hasRoom(at: position, for: item.byteCount) else { return false }
      writerWaits.store(false, ordering: .sequentiallyConsistent)
    }
    slots[position & slotMask] = item
    let total = bytes.add(item.byteCount, ordering: .sequentiallyConsistent).newValue
    if total > highestBytes.load(ordering: .relaxed) { highestBytes.store(total, ordering: .relaxed) }
    tail.store(position + 1, ordering: .sequentiallyConsistent)
    readerListener?.channelChanged()
    return true
  }

  public var isDrained: Bool {
    tail.load(ordering: .relaxed) == head.load(ordering: .sequentiallyConsistent)
  }

  public func take() -> ChannelItem? {
    let position = head.load(ordering: .relaxed)
    guard position != tail.load(ordering: .sequentiallyConsistent) else { return nil }
    let item = slots[position & slotMask].take()
    // Written by the writer before it moved `tail` past it.
    guard let item else { preconditionFailure("a slot before the tail holds an element") }
    // Bytes before the position: who sees the new position sees the bytes too.
    bytes.subtract(item.byteCount, ordering: .sequentiallyConsistent)
    head.store(position + 1, ordering: .sequentiallyConsistent)
    if writerWaits.load(ordering: .sequentiallyConsistent),
      writerWaits.exchange(false, ordering: .sequentiallyConsistent)
    {
      writerListener?.channelChanged()
    }
    return item
  }

  public var fill: ChannelFill {
    let first = head.load(ordering: .relaxed)
    return ChannelFill(
      batches: max(0, tail.load(ordering: .relaxed) - first), bytes: max(0, bytes.load(ordering: .relaxed)),
      batchLimit: elementLimit, byteLimit: byteLimit)
  }

  /// The most bytes that have ever lain on it.
  public var peakBytes: Int { highestBytes.load(ordering: .relaxed) }

  private func hasRoom(at position: Int, for byteCount: Int) -> Bool {
    let queued = position - head.load(ordering: .sequentiallyConsistent)
    if queued == 0 { return true }
    return queued < elementLimit && bytes.load(ordering: .sequentiallyConsistent) + byteCount <= byteLimit
  }
}
