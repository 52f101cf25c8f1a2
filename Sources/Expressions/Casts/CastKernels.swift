import Arrow
import Base
import VolleyPlan

/// A column as one of another type.
///
/// A value that the target cannot hold is a `data` failure that names the value; null rows stay null and never fail.
/// - Integers to floats, and floats to narrower floats, round to the nearest; floats to integers truncate toward zero; NaN
///   and infinities do not fit.
/// - Decimals lose no digit: one behind the point that the target does not keep is a failure. Floats to decimals round to
///   the nearest, ties to the even digit; decimals to floats to the nearest.
/// - Numbers to bool: whether they differ from 0. Bool to numbers: 1 and 0.
/// - Dates, times, timestamps and durations: see `TemporalCasts`.
/// - Text: see `TextCasts`. Bytes: see `BytesCasts`.
/// - Dictionaries become what their rows name; anything becomes a dictionary by its distinct values.
/// - Lists, structs and maps: see `NestedCasts`.
/// - A null of no type is a null of any.
enum CastKernels {
  @inline(never)  // Evaluation recurses beside it: in one frame with the loops a level would take 5 KiB of stack.
  static func cast(
    _ column: Column, to target: DataType, onFailure policy: FailurePolicy = .stop
  ) throws(Failure) -> Column {
    switch (column.type, target) {
    case (let source, _) where source == target: return column
    case (.null, _): return Column.nulls(target, count: column.length)
    case (.dictionary, _): return try cast(try column.decoded(), to: target, onFailure: policy)
    case (_, .dictionary(_, let value, _)):
      return try DictionaryCasts.encode(try cast(column, to: value, onFailure: policy), to: target)
    case (let source, _) where (source.isText || source.isBinary) && (target.isText || target.isBinary):
      return try BytesCasts.cast(column, to: target, policy)
    case (_, .utf8): return try TextCasts.format(column)
    case (let source, _) where target.isText && !source.isText:
      return try BytesCasts.cast(try TextCasts.format(column), to: target, policy)
    case (.utf8, _): return try TextCasts.parse(column, as: target, policy)
    case (let source, _) where source.isText:
      return try TextCasts.parse(try BytesCasts.cast(column, to: .utf8, policy), as: target, policy)
    case (let source, _) where source.isNested:
      return try settled(column, target, policy) { rows throws(Failure) in try NestedCasts.cast(rows, to: target) }
    case (let source, _) where source.isTemporal || target.isTemporal:
      return try settled(column, target, policy) { rows throws(Failure) in try TemporalCasts.cast(rows, to: target) }
    default: return try number(column, to: target, policy)
    }
  }

  /// Makes the rows that fail null when that is asked for and the cast does not do it itself.
  private static func settled(
    _ column: Column, _ target: DataType, _ policy: FailurePolicy, _ cast: (Column) throws(Failure) -> Column
  ) throws(Failure) -> Column {
    guard policy == .null else { return try cast(column) }
    return try NullOnError.apply(target, count: column.length) { rows throws(Failure) in
      try cast(column.slice(rows))
    }
  }

  private static func number(_ column: Column, to target: DataType, _ policy: FailurePolicy) throws(Failure) -> Column {
    switch column.type {
    case .bool:
      if target.isDecimal { return try number(BoolCasts.cast(column, to: .int8), to: target, policy) }
      return BoolCasts.cast(column, to: target)
    case .int8: return try IntegerCasts.cast(column, from: Int8.self, to: target, policy)
    case .int16: return try IntegerCasts.cast(column, from: Int16.self, to: target, policy)
    case .int32: return try IntegerCasts.cast(column, from: Int32.self, to: target, policy)
    case .int64: return try IntegerCasts.cast(column, from: Int64.self, to: target, policy)
    case .uint8: return try IntegerCasts.cast(column, from: UInt8.self, to: target, policy)
    case .uint16: return try IntegerCasts.cast(column, from: UInt16.self, to: target, policy)
    case .uint32: return try IntegerCasts.cast(column, from: UInt32.self, to: target, policy)
    case .uint64: return try IntegerCasts.cast(column, from: UInt64.self, to: target, policy)
    case .float16: return try FloatCasts.cast(column, from: Float16.self, to: target, policy)
    case .float32: return try FloatCasts.cast(column, from: Float.self, to: target, policy)
    case .float64: return try FloatCasts.cast(column, from: Double.self, to: target, policy)
    case .decimal128: return try DecimalCasts.cast(column, to: target, policy)
    default: preconditionFailure("a cast from \(column.type) to \(target) is refused when the plan is made")
    }
  }
}
