extension Plan {
  /// Aggregates of the rows of each window, and of each key in it.
  ///
  /// Output 0: `row_kind` if results are updated, the key's columns, `window_start`, `window_end` (not of count
  /// windows), then the aggregates. Output 1, if `late` is `route`: the rows that came too late, as they came.
  ///
  /// With a `function` the outputs are that one's, and late rows come behind them.
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
    /// Empty with a `function`.
    public var aggregates: [AggregateCall]
    /// The author's code, which is given all rows of a window.
    public var function: WindowFunction?

    enum CodingKeys: String, CodingKey, CaseIterable {
      case assigner, scope, time, allowedLateness, late, emission, trigger, aggregates, function
    }

    public init(
      assigner: WindowAssigner, scope: WindowScope, time: WindowTime = .event, allowedLateness: Int64 = 0,
      late: LateRows = .drop, emission: WindowEmission = .final, trigger: WindowTrigger? = nil,
      aggregates: [AggregateCall], function: WindowFunction? = nil
    ) {
      self.assigner = assigner
      self.scope = scope
      self.time = time
      self.allowedLateness = allowedLateness
      self.late = late
      self.emission = emission
      self.trigger = trigger
      self.aggregates = aggregates
      self.function = function
    }

    /// The output of late rows, where they are routed.
    public var lateOutput: Int { function?.outputs.count ?? 1 }
  }

  /// Code that is given the rows of a window when it has closed.
  public struct WindowFunction: Codable, Sendable, Hashable {
    /// The id under which the plugin registered it.
    public var function: String
    /// What the author calls it, for `inspect` and reports.
    public var label: String
    /// The columns of the input that it takes, by name and in this order.
    public var columns: [Field]
    /// The key's columns as the function takes them, in the order of the `keyBy`; absent: as they are.
    public var key: [Field]?
    /// The columns of each output.
    public var outputs: [[Field]]

    enum CodingKeys: String, CodingKey, CaseIterable { case function, label, columns, key, outputs }

    public init(function: String, label: String, columns: [Field], key: [Field]?, outputs: [[Field]]) {
      self.function = function
      self.label = label
      self.columns = columns
      self.key = key
      self.outputs = outputs
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
