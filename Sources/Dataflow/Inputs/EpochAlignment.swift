import Base

/// Waits for an epoch's barrier from every channel: one that has delivered it is not read until all others have, so
/// that what lies behind it stays behind it. A pure value: it decides, the subtask acts.
///
/// A channel that has ended counts as having delivered every barrier to come: all its rows lie in front of them. An
/// epoch that was aborted, because it took too long or anything else went wrong with it, lets go the channels that wait
/// for it; those of its barriers that still come say nothing. So do those of an epoch that a newer one has overtaken:
/// one epoch is under way at a time, and a newer barrier proves that the older epoch was aborted, though the word of
/// that may come later.
///
/// An input that is read to its end before others would block an epoch for ever: its barrier would wait for those of
/// inputs that nobody reads. Nor could the epoch be exact while it is read: of the rows that lie unread on the other
/// inputs' channels the sources say that they gave them, and no state has them. So no epoch begins before every such
/// input of the job has ended (see `JobEpochs.awaited`), which never changes back, and here none can meet one. What
/// feeds the other inputs is held back meanwhile by full channels, as without epochs, and no longer than until that
/// end.
struct EpochAlignment: Hashable {
  enum Event: Hashable {
    /// Of a channel that may be read.
    case barrier(Epoch, channel: Int)
    /// Of a channel that may be read: nothing follows on it.
    case end(channel: Int)
    /// This epoch and all before it will not be complete: cancelled, or out of time.
    case abort(Epoch)
  }

  enum Action: Hashable {
    /// The first barrier of the epoch has come.
    case begin(Epoch)
    /// The last one has: the subtask is at the epoch's barrier, and every channel may be read again.
    case complete(Epoch)
    /// The epoch is not waited for any more.
    case giveUp(Epoch)
  }

  private enum State {
    case open, delivered, ended
  }

  private var states: [State]
  /// Channels that are neither ended nor have delivered.
  private var missing: Int
  /// The epoch that is being aligned.
  private(set) var epoch: Epoch?
  /// It and all before it are done with: complete, aborted or overtaken.
  private(set) var last = Epoch(0)

  init(channels: Int) {
    states = [State](repeating: .open, count: channels)
    missing = channels
  }

  /// Whether the channel may be read now.
  func isReadable(_ channel: Int) -> Bool { states[channel] == .open }

  mutating func apply(_ event: Event) -> [Action] {
    switch event {
    case .barrier(let epoch, let channel):
      precondition(states[channel] == .open, "a channel is read only while it may be")
      guard epoch > last, epoch >= self.epoch ?? epoch else { return [] }
      var actions: [Action] = []
      if let overtaken = self.epoch, overtaken < epoch { actions += giveUp(overtaken) }
      if self.epoch == nil { actions.append(.begin(epoch)) }
      self.epoch = epoch
      states[channel] = .delivered
      missing -= 1
      return actions + completed()
    case .end(let channel):
      precondition(states[channel] == .open, "a channel is read only while it may be")
      states[channel] = .ended
      missing -= 1
      return completed()
    case .abort(let epoch):
      last = max(last, epoch)
      guard let aligned = self.epoch, aligned <= epoch else { return [] }
      return giveUp(aligned)
    }
  }

  private mutating func completed() -> [Action] {
    guard missing == 0, let epoch else { return [] }
    release(epoch)
    return [.complete(epoch)]
  }

  private mutating func giveUp(_ epoch: Epoch) -> [Action] {
    release(epoch)
    return [.giveUp(epoch)]
  }

  private mutating func release(_ epoch: Epoch) {
    for channel in states.indices where states[channel] == .delivered {
      states[channel] = .open
      missing += 1
    }
    last = max(last, epoch)
    self.epoch = nil
  }
}
