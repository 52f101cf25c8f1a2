import VolleyPlan

/// The builder of a column of any type. A reference: copies build the same column. A caller with many rows looks at the case once and
/// then uses the typed builder.
public enum ColumnBuilder {
  case bool(BoolBuilder)
  case int32(FixedBuilder<Int32>)
  /// Timestamps too.
  case int64(FixedBuilder<Int64>)
  case float64(FixedBuilder<Double>)
  case utf8(Utf8Builder)

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    switch type {
    case .bool: self = .bool(BoolBuilder(capacity: capacity))
    case .int32: self = .int32(FixedBuilder(type, capacity: capacity))
    case .int64, .timestamp: self = .int64(FixedBuilder(type, capacity: capacity))
    case .float64: self = .float64(FixedBuilder(type, capacity: capacity))
    case .utf8: self = .utf8(Utf8Builder(type, capacity: capacity))
    }
  }

  public var type: DataType {
    switch self {
    case .bool: .bool
    case .int32(let builder): builder.type
    case .int64(let builder): builder.type
    case .float64(let builder): builder.type
    case .utf8(let builder): builder.type
    }
  }

  /// Rows so far.
  public var count: Int {
    switch self {
    case .bool(let builder): builder.count
    case .int32(let builder): builder.count
    case .int64(let builder): builder.count
    case .float64(let builder): builder.count
    case .utf8(let builder): builder.count
    }
  }

  public func appendNull() { appendNulls(1) }

  public func appendNulls(_ count: Int) {
    switch self {
    case .bool(let builder): builder.appendNulls(count)
    case .int32(let builder): builder.appendNulls(count)
    case .int64(let builder): builder.appendNulls(count)
    case .float64(let builder): builder.appendNulls(count)
    case .utf8(let builder): builder.appendNulls(count)
    }
  }

  /// The value `count` times.
  ///
  /// - Precondition: the value's type is the column's; a null may be of any type.
  public func append(_ value: Literal, count: Int = 1) {
    switch (self, value) {
    case (_, .null): appendNulls(count)
    case (.bool(let builder), .bool(let value)): builder.append(value, count: count)
    case (.int32(let builder), .int32(let value)): builder.append(value, count: count)
    case (.int64(let builder), .int64(let value)): builder.append(value, count: count)
    case (.int64(let builder), .timestamp(let value, _, _)): builder.append(value, count: count)
    case (.float64(let builder), .float64(let value)): builder.append(value, count: count)
    case (.utf8(let builder), .utf8(let value)): builder.append(value, count: count)
    default: preconditionFailure("a \(value.type) does not go into a column of \(type)")
    }
  }

  /// Rows `range` of a column of the same layout.
  public func append(_ column: Column, _ range: Range<Int>) {
    switch self {
    case .bool(let builder): builder.append(column, range)
    case .int32(let builder): builder.append(column, range)
    case .int64(let builder): builder.append(column, range)
    case .float64(let builder): builder.append(column, range)
    case .utf8(let builder): builder.append(column, range)
    }
  }

  /// Drops the rows from `count` on.
  public func truncate(to count: Int) {
    switch self {
    case .bool(let builder): builder.truncate(to: count)
    case .int32(let builder): builder.truncate(to: count)
    case .int64(let builder): builder.truncate(to: count)
    case .float64(let builder): builder.truncate(to: count)
    case .utf8(let builder): builder.truncate(to: count)
    }
  }

  /// The column; the builder is empty afterwards and can be used again.
  public func finish() -> Column {
    switch self {
    case .bool(let builder): builder.finish()
    case .int32(let builder): builder.finish()
    case .int64(let builder): builder.finish()
    case .float64(let builder): builder.finish()
    case .utf8(let builder): builder.finish()
    }
  }
}

extension Column {
  /// A builder takes rows only from a column that has them and that keeps them as it does.
  func checkSource(_ range: Range<Int>, _ layout: Layout) {
    precondition(range.lowerBound >= 0 && range.upperBound <= length, "rows are taken from within a column")
    precondition(type.layout == layout, "a column of \(type) does not lie in memory as the builder's does")
  }
}
