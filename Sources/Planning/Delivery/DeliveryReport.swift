import Dataflow

/// What becomes of each row of a pipeline, from its sources to its sinks, when a job with checkpoints goes on after a
/// failure.
public struct DeliveryReport: Sendable {
  /// A source or a sink.
  public struct End: Sendable {
    /// "source 'orders'".
    public var place: String
    public var uid: String?
    public var isSource: Bool
    /// What it reads or writes: "csv orders.csv".
    public var label: String
    /// Of the source or sink alone.
    public var guarantee: DeliveryGuarantee
    /// Of the rows that come to a sink, from the first source that they pass; a source's own.
    public var endToEnd: DeliveryGuarantee
    /// How it may become exactly-once, a fragment; nil when it is.
    public var remedy: String?
  }

  /// In topological order.
  public var ends: [End]

  /// The place of a source that loses rows, if there is one.
  public var sourceWithoutReplay: String? {
    ends.first { end in if case .atMostOnce = end.guarantee { end.isSource } else { false } }?.place
  }

  /// What all rows get.
  public var whole: DeliveryGuarantee { ends.reduce(.exactlyOnce) { $0.with($1.endToEnd) } }
}
