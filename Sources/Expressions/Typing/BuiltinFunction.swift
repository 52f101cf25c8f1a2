/// The functions that an expression may call by name: the plan's `call`.
public enum BuiltinFunction: String, Sendable, Hashable, CaseIterable {
  case add
  case subtract
  case multiply
  case divide
  case modulo
  case negate
  case equal
  case notEqual = "not_equal"
  case lessThan = "less_than"
  case lessThanOrEqual = "less_than_or_equal"
  case greaterThan = "greater_than"
  case greaterThanOrEqual = "greater_than_or_equal"
  case and
  case or
  case not
  case isNull = "is_null"
  case isNotNull = "is_not_null"

  /// How many arguments the function takes.
  public var arity: Int {
    switch self {
    case .negate, .not, .isNull, .isNotNull: 1
    default: 2
    }
  }

  /// Two numbers of one type to a number of that type.
  var arithmetic: ArithmeticOperation? {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .modulo: .modulo
    default: nil
    }
  }

  /// Two values of one type to a bool.
  var comparison: Comparison? {
    switch self {
    case .equal: .equal
    case .notEqual: .notEqual
    case .lessThan: .less
    case .lessThanOrEqual: .lessOrEqual
    case .greaterThan: .greater
    case .greaterThanOrEqual: .greaterOrEqual
    default: nil
    }
  }
}

enum ArithmeticOperation: String, Hashable {
  case add, subtract, multiply, divide, modulo

  /// As it stands between two values in a message.
  var symbol: String {
    switch self {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .modulo: "%"
    }
  }

  /// For a message: "… cannot be added".
  var participle: String {
    switch self {
    case .add: "added"
    case .subtract: "subtracted"
    case .multiply: "multiplied"
    case .divide: "divided"
    case .modulo: "divided"
    }
  }
}

enum Comparison: Hashable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

  /// The comparison that gives the same result with its sides exchanged.
  var mirrored: Comparison {
    switch self {
    case .equal: .equal
    case .notEqual: .notEqual
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }
}
