extension Plan {
  /// Rows of several streams that belong together: whose keys are equal, that are within some bounds of each other, and for which a
  /// condition is true. A key that is null equals none.
  ///
  /// Inputs: `keyBy` nodes, whose keys have the same types in the same order. Output 0: `row_kind` if rows are revised, then the
  /// columns of each input in turn, of a semi or anti join those of the first one. A key's column that has one name in all inputs comes
  /// once.
  public struct Join: Codable, Sendable, Hashable {
    public var kind: JoinKind
    public var bounds: JoinBounds
    /// Over the columns of all inputs, under their names in the output. Absent: true.
    public var condition: Expression?
    /// What becomes of names that several inputs have, but for those of keys that come once; absent: they are refused.
    public var sharedNames: SharedNames?

    enum CodingKeys: String, CodingKey, CaseIterable { case kind, bounds, condition, sharedNames }

    public init(
      kind: JoinKind, bounds: JoinBounds, condition: Expression? = nil, sharedNames: SharedNames? = nil
    ) {
      self.kind = kind
      self.bounds = bounds
      self.condition = condition
      self.sharedNames = sharedNames
    }
  }

  public enum JoinKind: String, Codable, Sendable, Hashable, CaseIterable {
    /// Pairs only.
    case inner
    /// And the rows of the first input that have no partner, with nulls.
    case left
    /// And the rows of the second input that have no partner, with nulls.
    case right
    /// And both.
    case full
    /// The rows of the first input that have a partner, each once.
    case semi
    /// The rows of the first input that have none.
    case anti
  }

  /// Which rows of the same key can be partners. In JSON an object of one key, the kind.
  public enum JoinBounds: Sendable, Hashable {
    /// Any that are kept at the same time.
    case unbounded(UnboundedJoin)
    /// Two whose event times are near each other.
    case interval(IntervalJoin)
    /// Those of the same window of event time: the output has `window_start` and `window_end` behind the inputs' columns. Of inner
    /// joins there may be more than two inputs.
    case window(WindowJoin)
    /// A row of the first input, and the last row of the second that is not later: the version that held at its event time. The second input
    /// may be a changelog.
    case version
    /// A row of the first input, and those of the second that are kept when it comes.
    case side(SideJoin)
  }

  public struct UnboundedJoin: Codable, Sendable, Hashable {
    /// Microseconds of processing time for which a row is kept; absent: for ever.
    public var timeToLive: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case timeToLive }

    public init(timeToLive: Int64? = nil) { self.timeToLive = timeToLive }
  }

  /// The second input's time less the first input's is at least `lower` and at most `upper`, microseconds.
  public struct IntervalJoin: Codable, Sendable, Hashable {
    public var lower: Int64
    public var upper: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case lower, upper }

    public init(lower: Int64, upper: Int64) {
      self.lower = lower
      self.upper = upper
    }
  }

  public struct WindowJoin: Codable, Sendable, Hashable {
    /// Inherited windows are among what has to be equal: both inputs have the columns, and the output has them once.
    public var assigner: WindowAssigner

    enum CodingKeys: String, CodingKey, CaseIterable { case assigner }

    public init(assigner: WindowAssigner) { self.assigner = assigner }
  }

  public struct SideJoin: Codable, Sendable, Hashable {
    public var spread: SideSpread
    /// Whether the second input is read to its end before the first one.
    public var awaited: Bool
    public var keep: SideRows

    enum CodingKeys: String, CodingKey, CaseIterable { case spread, awaited, keep }

    public init(spread: SideSpread, awaited: Bool, keep: SideRows) {
      self.spread = spread
      self.awaited = awaited
      self.keep = keep
    }
  }

  /// Where the rows of a join's second input are kept.
  public enum SideSpread: String, Codable, Sendable, Hashable, CaseIterable {
    /// All in each subtask; the rows of the first input stay where they are.
    case broadcast
    /// Each in the subtask of its key, as the rows of the first input.
    case key
  }

  /// Which rows of a key are kept.
  public enum SideRows: String, Codable, Sendable, Hashable, CaseIterable {
    case all
    /// The last to come. The input may be a changelog then.
    case latest
  }

  /// What a column's name gets in the output when several inputs have it: a text for each input, which may be empty. In JSON
  /// an object of one key, the place.
  public enum SharedNames: Sendable, Hashable {
    /// In front.
    case prefix([String])
    /// Behind.
    case suffix([String])
  }
}

extension Plan.JoinBounds: Codable {
  private enum Kind: String, CodingKey, CaseIterable { case unbounded, interval, window, version, side }
  private struct Nothing: Codable {
    init() {}
    init(from decoder: any Decoder) throws { try decoder.expectEmptyObject() }
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "the bounds of a join")
    switch kind {
    case .unbounded: self = .unbounded(try container.decode(Plan.UnboundedJoin.self, forKey: kind))
    case .interval: self = .interval(try container.decode(Plan.IntervalJoin.self, forKey: kind))
    case .window: self = .window(try container.decode(Plan.WindowJoin.self, forKey: kind))
    case .version:
      _ = try container.decode(Nothing.self, forKey: kind)
      self = .version
    case .side: self = .side(try container.decode(Plan.SideJoin.self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .unbounded(let value): try container.encode(value, forKey: .unbounded)
    case .interval(let value): try container.encode(value, forKey: .interval)
    case .window(let value): try container.encode(value, forKey: .window)
    case .version: try container.encode(Nothing(), forKey: .version)
    case .side(let value): try container.encode(value, forKey: .side)
    }
  }
}

extension Plan.SharedNames: Codable {
  private enum Kind: String, CodingKey, CaseIterable { case prefix, suffix }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "a rule for shared names")
    switch kind {
    case .prefix: self = .prefix(try container.decode([String].self, forKey: kind))
    case .suffix: self = .suffix(try container.decode([String].self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .prefix(let texts): try container.encode(texts, forKey: .prefix)
    case .suffix(let texts): try container.encode(texts, forKey: .suffix)
    }
  }
}
