/// An expression over the columns of one row, as it stands in a plan: names are not resolved, types are not checked.
public indirect enum Expression: Sendable, Hashable {
  /// The column of that name.
  case column(String)
  case literal(Literal)
  /// A built-in function by its name: `add`, `less_than`, `and`, `is_null`, …
  case call(String, [Expression])
  /// The value as another type; a value that the type cannot hold stops the job.
  case cast(Expression, DataType)
  /// As `cast`, but null for a value that the type cannot hold.
  case tryCast(Expression, DataType)
  /// The value of the first branch whose condition is true, else `otherwise`, else null.
  case caseWhen([Branch], otherwise: Expression?)
  /// A scalar function of the plugin, by the id under which the plugin registered it.
  case userFunction(UserFunction)

  public struct Branch: Codable, Sendable, Hashable {
    public var condition: Expression
    public var value: Expression

    enum CodingKeys: String, CodingKey, CaseIterable { case condition, value }

    public init(condition: Expression, value: Expression) {
      self.condition = condition
      self.value = value
    }
  }

  public struct UserFunction: Codable, Sendable, Hashable {
    /// The id that the plugin's `create` is called with.
    public var function: String
    public var arguments: [Expression]
    /// The types that the function takes; the arguments' types must be these.
    public var parameterTypes: [DataType]
    public var resultType: DataType
    /// Whether the function sees nulls; if not, a null argument makes the result null without a call.
    public var acceptsNulls: Bool

    enum CodingKeys: String, CodingKey, CaseIterable {
      case function, arguments, parameterTypes, resultType, acceptsNulls
    }

    public init(
      function: String, arguments: [Expression], parameterTypes: [DataType], resultType: DataType, acceptsNulls: Bool
    ) {
      self.function = function
      self.arguments = arguments
      self.parameterTypes = parameterTypes
      self.resultType = resultType
      self.acceptsNulls = acceptsNulls
    }
  }
}

/// An expression and the name of the column that it makes.
public struct NamedExpression: Codable, Sendable, Hashable {
  public var name: String
  public var expression: Expression

  enum CodingKeys: String, CodingKey, CaseIterable { case name, expression }

  public init(_ name: String, _ expression: Expression) {
    self.name = name
    self.expression = expression
  }
}

extension Expression: Codable {
  private enum Kind: String, CodingKey, CaseIterable {
    case column, literal, call, cast, tryCast
    case caseWhen = "case"
    case userFunction
  }
  private struct Call: Codable {
    var function: String
    var arguments: [Expression]

    enum CodingKeys: String, CodingKey, CaseIterable { case function, arguments }
  }
  private struct Cast: Codable {
    var expression: Expression
    var type: DataType

    enum CodingKeys: String, CodingKey, CaseIterable { case expression, type }
  }
  private struct Case: Codable {
    var branches: [Branch]
    var otherwise: Expression?

    enum CodingKeys: String, CodingKey, CaseIterable { case branches, otherwise }
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "an expression")
    switch kind {
    case .column: self = .column(try container.decode(String.self, forKey: kind))
    case .literal: self = .literal(try container.decode(Literal.self, forKey: kind))
    case .call:
      let call = try container.decode(Call.self, forKey: kind)
      self = .call(call.function, call.arguments)
    case .cast:
      let cast = try container.decode(Cast.self, forKey: kind)
      self = .cast(cast.expression, cast.type)
    case .tryCast:
      let cast = try container.decode(Cast.self, forKey: kind)
      self = .tryCast(cast.expression, cast.type)
    case .caseWhen:
      let value = try container.decode(Case.self, forKey: kind)
      self = .caseWhen(value.branches, otherwise: value.otherwise)
    case .userFunction: self = .userFunction(try container.decode(UserFunction.self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .column(let name): try container.encode(name, forKey: .column)
    case .literal(let literal): try container.encode(literal, forKey: .literal)
    case .call(let function, let arguments):
      try container.encode(Call(function: function, arguments: arguments), forKey: .call)
    case .cast(let expression, let type): try container.encode(Cast(expression: expression, type: type), forKey: .cast)
    case .tryCast(let expression, let type):
      try container.encode(Cast(expression: expression, type: type), forKey: .tryCast)
    case .caseWhen(let branches, let otherwise):
      try container.encode(Case(branches: branches, otherwise: otherwise), forKey: .caseWhen)
    case .userFunction(let function): try container.encode(function, forKey: .userFunction)
    }
  }
}
