/// What becomes of each row at a source or sink when a job with checkpoints goes on after a failure.
public enum DeliveryGuarantee: Sendable, Hashable {
  /// Each row counts once.
  case exactlyOnce
  /// Rows since the last epoch come again. The reason is the end of a sentence: "rows on standard output are seen at once".
  case atLeastOnce(reason: String)
  /// Rows since the last epoch are gone.
  case atMostOnce(reason: String)

  /// "exactly-once"
  public var name: String {
    switch self {
    case .exactlyOnce: "exactly-once"
    case .atLeastOnce: "at-least-once"
    case .atMostOnce: "at-most-once"
    }
  }

  /// Why it is not exactly-once.
  public var reason: String? {
    switch self {
    case .exactlyOnce: nil
    case .atLeastOnce(let reason), .atMostOnce(let reason): reason
    }
  }

  /// What rows get that pass both: a source that may lose rows loses them for every sink.
  public func with(_ other: DeliveryGuarantee) -> DeliveryGuarantee {
    switch (self, other) {
    case (.atMostOnce, _): self
    case (_, .atMostOnce): other
    case (.atLeastOnce, _): self
    default: other
    }
  }
}
