import Calendar
import VolleyPlan

/// Which types meet without being asked to.
///
/// int32 with int64 gives int64; an integer with float64 gives float64, rounded to the nearest float64 where it is
/// above 2^53; timestamps of one time zone meet in the finer unit. Integer literals take the other side's type when it
/// holds their value.
enum Promotion {
  /// The type that values of both types are promoted to, or nil when they do not meet.
  static func common(_ left: DataType, _ right: DataType) -> DataType? {
    if left == right { return left }
    switch (left, right) {
    case (.int32, .int64), (.int64, .int32): return .int64
    case (.int32, .float64), (.int64, .float64), (.float64, .int32), (.float64, .int64): return .float64
    case (.timestamp(let unit, let zone), .timestamp(let otherUnit, let otherZone)) where zone == otherZone:
      return .timestamp(finer(unit, otherUnit), timezone: zone)
    default: return nil
    }
  }

  /// The type in which values of both types are compared. Timestamps with time zones are all UTC, so their zones may
  /// differ; a wall clock's reading and a point in time cannot be compared.
  static func compared(_ left: DataType, _ right: DataType) -> DataType? {
    if case .timestamp(let unit, let zone?) = left, case .timestamp(let otherUnit, _?) = right {
      return .timestamp(finer(unit, otherUnit), timezone: zone)
    }
    return common(left, right)
  }

  /// All expressions in the one type that `rule` finds for them, or nil when they do not meet.
  static func unify(
    _ expressions: [TypedExpression], by rule: (DataType, DataType) -> DataType? = common
  ) -> [TypedExpression]? {
    let literals = expressions.filter(\.isIntegerLiteral)
    let decisive = literals.count == expressions.count ? expressions : expressions.filter { !$0.isIntegerLiteral }
    guard var type = decisive.first?.type else { return [] }
    for expression in decisive.dropFirst() {
      guard let met = rule(type, expression.type) else { return nil }
      type = met
    }
    for literal in literals where literal.adapted(to: type) == nil {
      guard let met = rule(type, literal.type) else { return nil }
      type = met
    }
    return expressions.map { $0.promoted(to: type) }
  }

  static func finer(_ left: TimeUnit, _ right: TimeUnit) -> TimeUnit {
    left.perSecond >= right.perSecond ? left : right
  }
}
