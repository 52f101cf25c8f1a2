import Arrow
import Expressions
import VolleyPlan

extension Column {
  /// The values in this order, behind `junk` rows that the column's offset hides and before as many.
  static func of(_ type: DataType, _ values: [Literal?], junk: Int = 0) -> Column {
    let builder = ColumnBuilder(type)
    let filler = Column.filler(type)
    for _ in 0..<junk { builder.append(filler) }
    for value in values {
      if let value { builder.append(value) } else { builder.appendNull() }
    }
    for _ in 0..<junk { builder.append(filler) }
    return builder.finish().slice(junk..<(junk + values.count))
  }

  /// A value that shows when it should not.
  private static func filler(_ type: DataType) -> Literal {
    switch type {
    case .bool: .bool(true)
    case .int32: .int32(77)
    case .int64: .int64(7777)
    case .float64: .float64(77.5)
    case .utf8: .utf8("hidden")
    case .timestamp(let unit, let zone): .timestamp(77, unit, timezone: zone)
    default: .null(type)
    }
  }

  /// The values, nil for nulls.
  var rows: [Literal?] {
    (0..<length).map { row in
      let literal = literal(at: row)
      if case .null = literal { return nil }
      return literal
    }
  }
}

/// Whether two rows hold the same value: every NaN is the same, and 0.0 is not -0.0.
func same(_ left: Literal?, _ right: Literal?) -> Bool {
  if case (.float64(let a), .float64(let b)) = (left, right) {
    return a.isNaN ? b.isNaN : a.bitPattern == b.bitPattern
  }
  return left == right
}

func same(_ left: [Literal?], _ right: [Literal?]) -> Bool {
  left.count == right.count && zip(left, right).allSatisfy { same($0, $1) }
}

extension RecordBatch {
  /// Columns named by their place: "a", "b", …
  static func of(_ columns: [Column], length: Int? = nil, selection: Selection? = nil) -> RecordBatch {
    RecordBatch(
      schema: .lettered(columns.map(\.type)), columns: columns, length: length ?? columns.first?.length ?? 0,
      selection: selection)
  }
}

extension Schema {
  static func lettered(_ types: [DataType]) -> Schema {
    Schema(types.enumerated().map { Field(letter($0.offset), $0.element) })
  }
}

func letter(_ index: Int) -> String { String(UnicodeScalar(UInt8(97 + index))) }

func call(_ function: String, _ arguments: Expression...) -> Expression { .call(function, arguments) }

let a = Expression.column("a")
let b = Expression.column("b")
let c = Expression.column("c")

extension Expression {
  static func value(_ literal: Literal) -> Expression { .literal(literal) }
  static func int(_ value: Int64) -> Expression { .literal(.int64(value)) }
  static func float(_ value: Double) -> Expression { .literal(.float64(value)) }
  static func text(_ value: String) -> Expression { .literal(.utf8(value)) }
  static func bool(_ value: Bool) -> Expression { .literal(.bool(value)) }
}

/// The expression over the columns "a", "b", … .
func evaluate(
  _ expression: Expression, _ columns: [Column], selection: Selection? = nil,
  functions: any ScalarFunctionProvider = NoScalarFunctions()
) throws -> Column {
  let batch = RecordBatch.of(columns, selection: selection)
  return try BoundExpression(expression, schema: batch.schema, functions: functions).evaluate(batch)
}

/// The message of the failure that `body` throws; nil when it throws none.
func message(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return "\(error)" }
}
