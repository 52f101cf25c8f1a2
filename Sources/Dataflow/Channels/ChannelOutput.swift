import Arrow
import Base

/// What all outputs of a subtask share: how much waits for room.
final class OutputAccount {
  /// Outputs that hold elements for which their channel had no room.
  var stuckOutputs = 0
  var waitingBytes = 0
  let byteLimit: Int

  init(byteLimit: Int) { self.byteLimit = byteLimit }
}

/// The writing end of a channel with what is on its way to it: rows that are held until they make a batch, and elements
/// for which there was no room.
///
/// Nothing here waits: what does not fit is kept, and the subtask gets no new input until it is gone.
final class ChannelOutput {
  private let writer: any ChannelWriter
  private let account: OutputAccount
  private var coalescer: BatchCoalescer
  private var waiting = Ring<ChannelItem>()
  /// What is put on the channel from now on says so; nil: it says nothing.
  var timeRead: Int64?

  init(writer: any ChannelWriter, account: OutputAccount, coalescer: BatchCoalescer) {
    self.writer = writer
    self.account = account
    self.coalescer = coalescer
  }

  /// Puts rows on the channel, now or when they make a batch.
  ///
  /// - Parameter batch: not empty, without a selection.
  func add(_ batch: RecordBatch, bytes: Int, since: MonotonicTime, now: MonotonicTime) throws(Failure) {
    let drained = waiting.isEmpty && writer.isDrained
    let release = try coalescer.add(batch, bytes: bytes, since: since, now: now, drained: drained)
    if let item = release.first { try send(item) }
    if let item = release.second { try send(item) }
  }

  /// Puts a signal on the channel, behind all rows that came before it.
  func signal(_ element: StreamElement, now: MonotonicTime) throws(Failure) {
    try flush()
    try send(ChannelItem(element, byteCount: 0, since: now))
  }

  /// Lets held rows go whose time has come, unless others still wait for room in front of them.
  func flushDue(now: MonotonicTime) throws(Failure) {
    if coalescer.isEmpty || isStuck { return }
    if coalescer.isDue(now: now, drained: writer.isDrained) { try flush() }
  }

  /// When `flushDue` has something to do; nil while that depends on room and not on the clock.
  var deadline: MonotonicTime? { isStuck ? nil : coalescer.deadline }

  var isStuck: Bool { !waiting.isEmpty }

  /// Tries again to put on the channel what had no room. True when nothing is left.
  func retry() -> Bool {
    while let item = waiting.peek {
      guard writer.offer(item) else { return false }
      _ = waiting.popFirst()
      account.waitingBytes -= item.byteCount
      if waiting.isEmpty { account.stuckOutputs -= 1 }
    }
    return true
  }

  private func flush() throws(Failure) {
    if let item = try coalescer.flush() { try send(item) }
  }

  private func send(_ given: ChannelItem) throws(Failure) {
    var item = given
    item.timeRead = timeRead
    if waiting.isEmpty && writer.offer(item) { return }
    if waiting.isEmpty { account.stuckOutputs += 1 }
    waiting.append(item)
    account.waitingBytes += item.byteCount
    // One element may always wait, as one may always pass: a batch can be larger than all the room there is.
    guard account.waitingBytes <= account.byteLimit || waiting.count == 1 else {
      throw Failure(
        .usage,
        "one call gave \(account.waitingBytes) bytes more than its channels have room for, and at most \(account.byteLimit) may wait; emit fewer rows for one batch, or lower --batch-rows"
      )
    }
  }
}
