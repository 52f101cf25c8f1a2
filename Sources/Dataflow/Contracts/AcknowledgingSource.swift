import Base

/// A source that cannot give rows again, and whose peers do: they keep what it has not acknowledged, which it does when an epoch has it.
///
/// Legal order, beside that of every source: `useEpochs` at most once, before `open`, in jobs with epochs; then `reach` and
/// `committed` between two reads, and `committed` once more before `close`, by the thread that reads.
public protocol AcknowledgingSource: Source {
  /// Epochs are taken. Without this call nothing is told of any.
  func useEpochs()
  /// All that `read` gave since the last call belongs to the epoch; when that is aborted, to the next one.
  func reach(_ epoch: Epoch)
  /// The epoch and all before it are complete, and what belongs to them is in them for good.
  func committed(_ epoch: Epoch)
}
