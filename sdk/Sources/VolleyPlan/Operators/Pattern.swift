extension Plan {
  /// Rows of one key that follow each other in event time, one a step. Input: a `keyBy` node.
  ///
  /// Every row that meets the first step's condition begins a match, which takes for each further step the first row that it may; so a match
  /// has at most one end, and a row may be in several matches. Output 0: the key's columns, then for each step the other columns, each as
  /// `<step>_<column>`; told when the watermark has passed the last row. Output 1, if `timedOut` is `route`: the same columns of matches that
  /// have begun and whose time was up, null for the steps that were missing. The last output, if `late` is `route`: rows that came behind
  /// the watermark, as they came.
  public struct Pattern: Codable, Sendable, Hashable {
    /// Two or more.
    public var steps: [PatternStep]
    /// Microseconds: the last row is less than so long after the first.
    public var within: Int64
    public var timedOut: TimedOutMatches
    public var late: LateRows

    enum CodingKeys: String, CodingKey, CaseIterable { case steps, within, timedOut, late }

    public init(
      steps: [PatternStep], within: Int64, timedOut: TimedOutMatches = .drop, late: LateRows = .drop
    ) {
      self.steps = steps
      self.within = within
      self.timedOut = timedOut
      self.late = late
    }
  }

  public struct PatternStep: Codable, Sendable, Hashable {
    /// Unique in its pattern.
    public var name: String
    public var condition: Expression
    /// Which row may be the step's; of the first step any.
    public var contiguity: PatternContiguity

    enum CodingKeys: String, CodingKey, CaseIterable { case name, condition, contiguity }

    public init(name: String, condition: Expression, contiguity: PatternContiguity) {
      self.name = name
      self.condition = condition
      self.contiguity = contiguity
    }
  }

  public enum PatternContiguity: String, Codable, Sendable, Hashable, CaseIterable {
    /// The key's very next row: when that does not meet the condition, the match is none.
    case next
    /// The next one that meets the condition.
    case followedBy
  }

  /// What becomes of matches that were not complete in time.
  public enum TimedOutMatches: String, Codable, Sendable, Hashable, CaseIterable {
    case drop
    /// They go to output 1.
    case route
  }
}
