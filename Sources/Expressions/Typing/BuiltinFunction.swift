/// The functions that an expression may call by name: the plan's `call`.
///
/// But for `and`, `or` and the null tests, a result is null where an argument is. Integers are checked: a row that
/// holds values and has no result stops the job. See `Promotion` for types that differ.
public enum BuiltinFunction: String, Sendable, Hashable, CaseIterable {
  /// Of numbers. float64 follows IEEE 754.
  case add
  /// Of numbers.
  case subtract
  /// Of numbers.
  case multiply
  /// Of numbers. Integers truncate toward zero, and 0 divides none; float64 gives infinities and NaN.
  case divide
  /// The remainder of the truncated quotient, with the sign of the left side. Where integers have no quotient there is
  /// none.
  case modulo
  /// Of a number.
  case negate
  /// Of two values of one type. float64 compares as IEEE 754 says: NaN equals nothing, itself included, and -0.0
  /// equals 0.0. Strings compare by their bytes, and false comes before true.
  case equal
  /// As `equal`; NaN differs from everything, itself included.
  case notEqual = "not_equal"
  /// As `equal`; false beside a NaN.
  case lessThan = "less_than"
  /// As `equal`; false beside a NaN.
  case lessThanOrEqual = "less_than_or_equal"
  /// As `equal`; false beside a NaN.
  case greaterThan = "greater_than"
  /// As `equal`; false beside a NaN.
  case greaterThanOrEqual = "greater_than_or_equal"
  /// Kleene's: false beside anything is false, else null beside anything is null. The right side is not looked at for
  /// rows for which the left one is false.
  case and
  /// Kleene's: true beside anything is true, else null beside anything is null. The right side is not looked at for
  /// rows for which the left one is true.
  case or
  /// Of a bool.
  case not
  /// Of any value; never null.
  case isNull = "is_null"
  /// Of any value; never null.
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
