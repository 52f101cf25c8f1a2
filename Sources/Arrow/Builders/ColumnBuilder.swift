import Base
import VolleyPlan

/// What the builders of all types have in common. One thread at a time.
public protocol RowBuilder: AnyObject {
  var type: DataType { get }
  /// Rows so far.
  var count: Int { get }
  func appendNulls(_ count: Int)
  /// Rows `range` of a column of the same layout.
  func append(_ column: Column, _ range: Range<Int>)
  /// Drops the rows from `count` on.
  func truncate(to count: Int)
  /// Refuses rows that do not fit the column's type together, though each of them does: dictionaries of more values than
  /// their indices count.
  ///
  /// - Throws: a `data` failure; `finish` must not be called then.
  func checkRoom() throws(Failure)
  /// The column; the builder is empty afterwards and can be used again.
  func finish() -> Column
}

extension RowBuilder {
  public func checkRoom() throws(Failure) {}
}

/// The builder of a column of any type. A reference: copies build the same column. A caller with many rows looks at the
/// case once and then uses the typed builder.
public enum ColumnBuilder {
  case bool(BoolBuilder)
  case int8(FixedBuilder<Int8>)
  case int16(FixedBuilder<Int16>)
  /// Also the temporal types of that width.
  case int32(FixedBuilder<Int32>)
  /// Also the temporal types of that width.
  case int64(FixedBuilder<Int64>)
  case uint8(FixedBuilder<UInt8>)
  case uint16(FixedBuilder<UInt16>)
  case uint32(FixedBuilder<UInt32>)
  case uint64(FixedBuilder<UInt64>)
  case float16(FixedBuilder<Float16>)
  case float32(FixedBuilder<Float>)
  case float64(FixedBuilder<Double>)
  /// decimal128, unscaled, and intervals of 16 bytes.
  case int128(FixedBuilder<Int128>)
  /// utf8 and binary.
  case utf8(Utf8Builder)
  /// Every other layout.
  case other(any RowBuilder)

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    switch type {
    case .bool: self = .bool(BoolBuilder(capacity: capacity))
    case .int8: self = .int8(FixedBuilder(type, capacity: capacity))
    case .int16: self = .int16(FixedBuilder(type, capacity: capacity))
    case .int32, .date32, .time32, .interval(.yearMonth): self = .int32(FixedBuilder(type, capacity: capacity))
    case .int64, .timestamp, .date64, .time64, .duration, .interval(.dayTime):
      self = .int64(FixedBuilder(type, capacity: capacity))
    case .uint8: self = .uint8(FixedBuilder(type, capacity: capacity))
    case .uint16: self = .uint16(FixedBuilder(type, capacity: capacity))
    case .uint32: self = .uint32(FixedBuilder(type, capacity: capacity))
    case .uint64: self = .uint64(FixedBuilder(type, capacity: capacity))
    case .float16: self = .float16(FixedBuilder(type, capacity: capacity))
    case .float32: self = .float32(FixedBuilder(type, capacity: capacity))
    case .float64: self = .float64(FixedBuilder(type, capacity: capacity))
    case .decimal128, .interval(.monthDayNano): self = .int128(FixedBuilder(type, capacity: capacity))
    case .utf8, .binary: self = .utf8(Utf8Builder(type, capacity: capacity))
    case .largeUtf8, .largeBinary: self = .other(LargeBytesBuilder(type, capacity: capacity))
    case .utf8View, .binaryView: self = .other(ViewBuilder(type, capacity: capacity))
    case .fixedSizeBinary: self = .other(FixedBytesBuilder(type, capacity: capacity))
    case .list, .largeList, .fixedSizeList, .map: self = .other(ListBuilder(type, capacity: capacity))
    case .struct: self = .other(StructBuilder(type, capacity: capacity))
    case .dictionary: self = .other(DictionaryBuilder(type, capacity: capacity))
    case .null: self = .other(NullBuilder())
    }
  }

  /// The builder, whatever its type.
  public var rows: any RowBuilder {
    switch self {
    case .bool(let builder): builder
    case .int8(let builder): builder
    case .int16(let builder): builder
    case .int32(let builder): builder
    case .int64(let builder): builder
    case .uint8(let builder): builder
    case .uint16(let builder): builder
    case .uint32(let builder): builder
    case .uint64(let builder): builder
    case .float16(let builder): builder
    case .float32(let builder): builder
    case .float64(let builder): builder
    case .int128(let builder): builder
    case .utf8(let builder): builder
    case .other(let builder): builder
    }
  }

  public var type: DataType { rows.type }

  /// Rows so far.
  public var count: Int { rows.count }

  public func appendNull() { rows.appendNulls(1) }

  public func appendNulls(_ count: Int) { rows.appendNulls(count) }

  /// Rows `range` of a column of the same layout.
  public func append(_ column: Column, _ range: Range<Int>) { rows.append(column, range) }

  /// Drops the rows from `count` on.
  public func truncate(to count: Int) { rows.truncate(to: count) }

  /// As `RowBuilder.checkRoom`.
  public func checkRoom() throws(Failure) { try rows.checkRoom() }

  /// The column; the builder is empty afterwards and can be used again.
  public func finish() -> Column { rows.finish() }

  /// The column, if its rows fit it together: see `checkRoom`.
  public func checkedFinish() throws(Failure) -> Column {
    try checkRoom()
    return finish()
  }
}

extension Column {
  /// A builder takes rows only from a column that has them and that keeps them as it does.
  func checkSource(_ range: Range<Int>, _ layout: Layout) {
    precondition(range.lowerBound >= 0 && range.upperBound <= length, "rows are taken from within a column")
    precondition(type.layout == layout, "a column of \(type) does not lie in memory as the builder's does")
  }
}
