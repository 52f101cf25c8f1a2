import Arrow
import Base

/// Decides when rows leave for a channel: when a batch is full, or some time after its first row.
///
/// A batch of at least a quarter of the full size passes untouched, at once; smaller ones are held and leave as one:
///
/// 1. when they fill a batch;
/// 2. `delay` after the first of them came here, at the latest;
/// 3. as soon as their oldest row has been in the job for `delay` and the reader has taken everything there was. So the
///    delays of several channels in a row do not add up while readers keep pace; when they do not, holding a batch costs
///    no time, and larger batches help them;
/// 4. when the next one's dictionaries and theirs have more values together than indices count.
///
/// A pure value: the clock's reading and the reader's state are handed in.
struct BatchCoalescer {
  /// The size of a full batch.
  let rowLimit: Int
  let byteLimit: Int
  /// Nanoseconds; 0: nothing is ever held.
  let delay: Int64

  private var held: [RecordBatch] = []
  private var heldRows = 0
  private var heldBytes = 0
  /// What their dictionaries take of what indices count.
  private var heldShare = 0.0
  /// When the first held batch came here.
  private var firstHeld = MonotonicTime(nanoseconds: 0)
  /// When the oldest held row came into the job.
  private var oldest = MonotonicTime(nanoseconds: 0)

  /// What is to be put on the channel, in this order.
  struct Release {
    var first: ChannelItem?
    var second: ChannelItem?
  }

  init(rowLimit: Int, byteLimit: Int, delay: Int64) {
    precondition(rowLimit > 0 && byteLimit > 0, "a batch has room for a row")
    self.rowLimit = rowLimit
    self.byteLimit = byteLimit
    self.delay = delay
  }

  var isEmpty: Bool { held.isEmpty }

  /// When the held rows have to leave; nil when there are none.
  var deadline: MonotonicTime? { held.isEmpty ? nil : firstHeld + delay }

  /// A batch without a selection, not empty.
  ///
  /// - Parameters:
  ///   - bytes: its bytes.
  ///   - since: when its oldest row came into the job.
  ///   - drained: whether the reader has taken all that was put on the channel.
  mutating func add(
    _ batch: RecordBatch, bytes: Int, since: MonotonicTime, now: MonotonicTime, drained: Bool
  ) throws(Failure) -> Release {
    if delay <= 0 || batch.length * 4 >= rowLimit || bytes * 4 >= byteLimit {
      return Release(first: try flush(), second: ChannelItem(.batch(batch), byteCount: bytes, since: since))
    }
    var release = Release()
    var share = batch.dictionaryShare(beside: held.last)
    if heldRows + batch.length > rowLimit || heldBytes + bytes > byteLimit || (share > 0 && heldShare + share > 1) {
      release.first = try flush()
    }
    if held.isEmpty {
      share = batch.dictionaryShare(beside: nil)
      firstHeld = now
      oldest = since
    }
    oldest = min(oldest, since)
    held.append(batch)
    heldRows += batch.length
    heldBytes += bytes
    heldShare += share
    let mayLeave = heldRows == rowLimit || heldBytes == byteLimit || isDue(now: now, drained: drained)
    if mayLeave && release.first == nil { release.second = try flush() }
    return release
  }

  /// Whether the held rows should leave now.
  func isDue(now: MonotonicTime, drained: Bool) -> Bool {
    if held.isEmpty { return false }
    return now - firstHeld >= delay || (drained && now - oldest >= delay)
  }

  /// The held rows as one batch, nil when there are none.
  mutating func flush() throws(Failure) -> ChannelItem? {
    guard let first = held.first else { return nil }
    let batch = held.count == 1 ? first : try RecordBatch.concatenate(held)
    let item = ChannelItem(.batch(batch), byteCount: held.count == 1 ? heldBytes : batch.byteCount, since: oldest)
    held.removeAll(keepingCapacity: true)
    heldRows = 0
    heldBytes = 0
    heldShare = 0
    return item
  }
}
