extension Plan {
  /// How rows go out to code that answers later.
  public struct AsyncSettings: Codable, Sendable, Hashable {
    /// Rows that are under way at the most.
    public var capacity: Int
    /// Rows of one call at the most.
    public var rowsPerCall: Int
    /// Microseconds after which a call without an answer ends the job; absent: never.
    public var timeout: Int64?
    public var order: AnswerOrder

    enum CodingKeys: String, CodingKey, CaseIterable { case capacity, rowsPerCall, timeout, order }

    public init(capacity: Int, rowsPerCall: Int, timeout: Int64?, order: AnswerOrder) {
      self.capacity = capacity
      self.rowsPerCall = rowsPerCall
      self.timeout = timeout
      self.order = order
    }
  }

  public enum AnswerOrder: String, Codable, Sendable, Hashable, CaseIterable {
    /// That of the rows.
    case ordered
    /// As they come; watermarks stay behind the rows that they were behind.
    case unordered
  }
}
