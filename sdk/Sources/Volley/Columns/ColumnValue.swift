import VolleyPlan

/// A Swift type that one column type's values have: `Bool`; the integers of 8 to 64 bits, `Int` as int64 and `UInt` as uint64;
/// `Float16`, `Float`, `Double`; `String` as utf8, `[UInt8]` as binary; `CalendarDate` as date32, `Timestamp` and `Duration`
/// in microseconds, without a time zone. A column of another type is cast to one of these, or passed on as it is.
public protocol ColumnValue: FunctionValue, Sendable where Base == Self {
  static var dataType: DataType { get }
  associatedtype Reader: ColumnReader where Reader.Element == Self
  associatedtype Writer: ColumnWriter where Writer.Element == Self
}

/// What a `udf` takes and gives: a `ColumnValue`, or an optional one, which sees or makes nulls.
public protocol FunctionValue: SendableMetatype {
  associatedtype Base: ColumnValue
  static var isOptional: Bool { get }
  /// The value of a row.
  static func read(_ reader: Base.Reader, _ validity: Validity, _ row: Int) -> Self
  /// Writes the value of a row; false for a null, which is then written as some value.
  static func write(_ value: Self, _ writer: inout Base.Writer, _ row: Int) -> Bool
}

extension ColumnValue {
  @inlinable public static var isOptional: Bool { false }

  @inlinable
  @inline(__always)
  public static func read(_ reader: Reader, _ validity: Validity, _ row: Int) -> Self { reader[row] }

  @inlinable
  @inline(__always)
  public static func write(_ value: Self, _ writer: inout Writer, _ row: Int) -> Bool {
    writer.put(value, row)
    return true
  }
}

extension Optional: FunctionValue where Wrapped: ColumnValue {
  public typealias Base = Wrapped

  @inlinable public static var isOptional: Bool { true }

  @inlinable
  @inline(__always)
  public static func read(_ reader: Wrapped.Reader, _ validity: Validity, _ row: Int) -> Self {
    validity[row] ? reader[row] : nil
  }

  @inlinable
  @inline(__always)
  public static func write(_ value: Self, _ writer: inout Wrapped.Writer, _ row: Int) -> Bool {
    guard let value else {
      writer.putDefault(row)
      return false
    }
    writer.put(value, row)
    return true
  }
}

/// Reads the rows of a column, null or not, for as long as its batch lives.
public protocol ColumnReader {
  associatedtype Element
  init(_ column: InputColumn)
  /// Undefined, but not a trap, for a null.
  subscript(row: Int) -> Element { get }
}

/// Writes the rows of a column whose memory is there, in order from row 0.
public protocol ColumnWriter {
  associatedtype Element
  init(_ column: OutputColumn)
  mutating func put(_ value: Element, _ row: Int)
  /// Writes something for a null.
  mutating func putDefault(_ row: Int)
}
