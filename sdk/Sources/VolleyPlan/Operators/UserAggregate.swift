extension Plan {
  /// An aggregate of the author's.
  public struct UserAggregate: Codable, Sendable, Hashable {
    /// The id under which the plugin registered it.
    public var function: String
    /// What it takes of each row.
    public var arguments: [Argument]
    /// The columns of an accumulator, as it travels and is kept.
    public var accumulator: [Field]
    /// Type of the result, and whether it may be null; its name says nothing.
    public var result: Field

    enum CodingKeys: String, CodingKey, CaseIterable { case function, arguments, accumulator, result }

    public init(function: String, arguments: [Argument], accumulator: [Field], result: Field) {
      self.function = function
      self.arguments = arguments
      self.accumulator = accumulator
      self.result = result
    }

    /// A column that the function takes.
    public struct Argument: Codable, Sendable, Hashable {
      public var name: String
      /// The type that the expression must have.
      public var type: DataType
      public var expression: Expression

      enum CodingKeys: String, CodingKey, CaseIterable { case name, type, expression }

      public init(name: String, type: DataType, expression: Expression) {
        self.name = name
        self.type = type
        self.expression = expression
      }
    }
  }
}
