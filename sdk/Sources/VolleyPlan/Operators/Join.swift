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
  }

  public struct UnboundedJoin: Codable, Sendable, Hashable {
    /// Microseconds of processing time for which a row is kept; absent: for ever.
    public var timeToLive: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case timeToLive }

    public init(timeToLive: Int64? = nil) { self.timeToLive = timeToLive }
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
  private enum Kind: String, CodingKey, CaseIterable { case unbounded }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "the bounds of a join")
    switch kind {
    case .unbounded: self = .unbounded(try container.decode(Plan.UnboundedJoin.self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .unbounded(let value): try container.encode(value, forKey: .unbounded)
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
