extension Plan {
  /// Of the rows of each window, and of each key in it, those whose value is the greatest or the least: all of them when
  /// several are equal. Rows whose value is null are passed over.
  ///
  /// Output 0: the row's columns, then `window_start` and `window_end` unless the row tells its window itself. Output 1,
  /// if `late` is `route`: the rows that came too late, as they came.
  public struct WindowChoice: Codable, Sendable, Hashable {
    /// Any but sessions and windows of a number of rows.
    public var assigner: WindowAssigner
    public var scope: WindowScope
    /// Which time the rows are put into windows by.
    public var time: WindowTime
    /// Microseconds of event time for which a window takes rows after its end.
    public var allowedLateness: Int64
    public var late: LateRows
    /// What the rows are compared by: of at most 64 bits.
    public var value: Expression
    public var takes: Extreme

    enum CodingKeys: String, CodingKey, CaseIterable {
      case assigner, scope, time, allowedLateness, late, value, takes
    }

    public init(
      assigner: WindowAssigner, scope: WindowScope, time: WindowTime = .event, allowedLateness: Int64 = 0,
      late: LateRows = .drop, value: Expression, takes: Extreme
    ) {
      self.assigner = assigner
      self.scope = scope
      self.time = time
      self.allowedLateness = allowedLateness
      self.late = late
      self.value = value
      self.takes = takes
    }
  }

  public enum Extreme: String, Codable, Sendable, Hashable, CaseIterable {
    case greatest, least
  }
}
