import VolleyPlan

// Mathematics of numbers. A null makes the result null, but for `greatest` and `least`, which pass over nulls. Functions of
// real numbers are float32 for float16 and float32, else float64, and give infinities and NaN as IEEE 754 has it; those of
// integers stop the job where there is no result.

extension ColumnExpression {
  /// The absolute value, of the same type. It stops for the least of signed integers.
  public func abs() -> ColumnExpression { .call("abs", [self]) }

  /// -1, 0 or 1: an int8 for integers, an int64 for decimals, else a float.
  public func sign() -> ColumnExpression { .call("sign", [self]) }

  /// The next whole number above, of the same type.
  public func ceil() -> ColumnExpression { .call("ceil", [self]) }

  /// The next whole number below, of the same type.
  public func floor() -> ColumnExpression { .call("floor", [self]) }

  /// Without what is behind the point, of the same type.
  public func trunc() -> ColumnExpression { .call("trunc", [self]) }

  /// To so many digits behind the point, or in front of it for fewer than 0, of the same type. A value in the middle goes
  /// away from zero: 2.5 to 3, -2.5 to -3.
  public func round(digits: Int = 0) -> ColumnExpression { .call("round", [self, lit(digits)]) }

  /// The square root; NaN below 0.
  public func sqrt() -> ColumnExpression { .call("sqrt", [self]) }

  /// e to the power of the value.
  public func exp() -> ColumnExpression { .call("exp", [self]) }

  /// The natural logarithm; -infinity of 0, NaN below.
  public func ln() -> ColumnExpression { .call("ln", [self]) }

  public func log10() -> ColumnExpression { .call("log10", [self]) }

  public func log2() -> ColumnExpression { .call("log2", [self]) }

  /// The logarithm to a base.
  public func log(base: ColumnExpression) -> ColumnExpression { .call("log", [self, base]) }

  /// The value to a power. Integers to integers are integers: a result that does not fit, or an exponent below 0, stops the
  /// job.
  public func power(_ exponent: ColumnExpression) -> ColumnExpression { .call("power", [self, exponent]) }

  /// π.
  public static var pi: ColumnExpression { .call("pi", []) }
}

// Angles are in radians.
extension ColumnExpression {
  public func sin() -> ColumnExpression { .call("sin", [self]) }
  public func cos() -> ColumnExpression { .call("cos", [self]) }
  public func tan() -> ColumnExpression { .call("tan", [self]) }
  public func asin() -> ColumnExpression { .call("asin", [self]) }
  public func acos() -> ColumnExpression { .call("acos", [self]) }
  public func atan() -> ColumnExpression { .call("atan", [self]) }

  /// The angle of the point (`x`, self), in -π...π.
  public func atan2(_ x: ColumnExpression) -> ColumnExpression { .call("atan2", [self, x]) }

  /// Radians as degrees.
  public func degrees() -> ColumnExpression { .call("degrees", [self]) }

  /// Degrees as radians.
  public func radians() -> ColumnExpression { .call("radians", [self]) }
}

// Of integers, in the type in which they meet.
extension ColumnExpression {
  public func bitAnd(_ other: ColumnExpression) -> ColumnExpression { .call("bit_and", [self, other]) }
  public func bitOr(_ other: ColumnExpression) -> ColumnExpression { .call("bit_or", [self, other]) }
  public func bitXor(_ other: ColumnExpression) -> ColumnExpression { .call("bit_xor", [self, other]) }
  public func bitNot() -> ColumnExpression { .call("bit_not", [self]) }

  /// Bits that leave the type are lost. By fewer than 0 bits, or as many as the type has, stops the job.
  public func shiftLeft(_ bits: ColumnExpression) -> ColumnExpression { .call("shift_left", [self, bits]) }

  /// Filled with the sign. Stops as `shiftLeft` does.
  public func shiftRight(_ bits: ColumnExpression) -> ColumnExpression { .call("shift_right", [self, bits]) }
}

extension ColumnExpression {
  /// Of a number; false for those that are no floats.
  public var isNaN: ColumnExpression { .call("is_nan", [self]) }

  /// Of a number: neither infinite nor NaN.
  public var isFinite: ColumnExpression { .call("is_finite", [self]) }

  /// Of a number; false for those that are no floats.
  public var isInfinite: ColumnExpression { .call("is_infinite", [self]) }
}

/// The greatest of the values of a row. Nulls are passed over, and NaN is unless there is nothing else.
public func greatest(_ values: ColumnExpression...) -> ColumnExpression { .call("greatest", values) }

/// The least of the values of a row, as `greatest`.
public func least(_ values: ColumnExpression...) -> ColumnExpression { .call("least", values) }
