extension Plan {
  /// Aggregates of the rows of each window, and of each key in it.
  ///
  /// Output 0: `row_kind` if results are updated, the key's columns, `window_start`, `window_end` (not of count
  /// windows), then the aggregates. Output 1, if `late` is `route`: the rows that came too late, as they came.
  public struct Window: Codable, Sendable, Hashable {
    public var assigner: WindowAssigner
    public var scope: WindowScope
    /// Which time the rows are put into windows by.
    public var time: WindowTime
    /// Microseconds of event time for which a window takes rows after its end.
    public var allowedLateness: Int64
    public var late: LateRows
    public var emission: WindowEmission
    /// When a window tells results before its end; absent: never. For updated results.
    public var trigger: WindowTrigger?
    public var aggregates: [AggregateCall]

    enum CodingKeys: String, CodingKey, CaseIterable {
      case assigner, scope, time, allowedLateness, late, emission, trigger, aggregates
    }

    public init(
      assigner: WindowAssigner, scope: WindowScope, time: WindowTime = .event, allowedLateness: Int64 = 0,
      late: LateRows = .drop, emission: WindowEmission = .final, trigger: WindowTrigger? = nil,
      aggregates: [AggregateCall]
    ) {
      self.assigner = assigner
      self.scope = scope
      self.time = time
      self.allowedLateness = allowedLateness
      self.late = late
      self.emission = emission
      self.trigger = trigger
      self.aggregates = aggregates
    }
  }

  /// Which rows a window is of.
  public enum WindowScope: String, Codable, Sendable, Hashable, CaseIterable {
    /// Those of one key. Input: a `keyBy` node.
    case key
    /// All.
    case all
  }

  public enum WindowTime: String, Codable, Sendable, Hashable, CaseIterable {
    /// The time that a row's event-time column says.
    case event
    /// The time at which a row comes.
    case processing
  }

  /// What becomes of a row all whose windows have closed.
  public enum LateRows: String, Codable, Sendable, Hashable, CaseIterable {
    /// It is counted, and no more.
    case drop
    /// It goes to output 1.
    case route
  }

  public enum WindowEmission: String, Codable, Sendable, Hashable, CaseIterable {
    /// One result, when the watermark has passed the window's end by the allowed lateness.
    case final
    /// A result when the watermark passes the window's end, and corrections of it, as changelog rows.
    case updating
  }

  /// When a window tells results before its end. Both may be there.
  public struct WindowTrigger: Codable, Sendable, Hashable {
    /// After so many rows of a key in the window; looked at once a batch.
    public var everyRows: Int?
    /// Microseconds of processing time between two results.
    public var every: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case everyRows, every }

    public init(everyRows: Int? = nil, every: Int64? = nil) {
      self.everyRows = everyRows
      self.every = every
    }
  }
}
