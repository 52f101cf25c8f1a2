import Arrow
import Base
import VolleyPlan

/// How the values of a type are hashed and encoded as keys. A new type picks the form whose order is its own.
enum KeyForm {
  case bool
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float16, float32, float64
  /// decimal128, by its unscaled integer.
  case int128
  /// Bytes of varying length in lexicographic order.
  case bytes
  /// Bytes of that length in lexicographic order.
  case fixedBytes(Int)
  /// Nothing but nulls.
  case null

  /// - Precondition: the type is one of keys; a dictionary and the other layouts of text were made plain.
  init(_ type: DataType) {
    switch type {
    case .bool: self = .bool
    case .int8: self = .int8
    case .int16: self = .int16
    case .int32, .date32, .time32: self = .int32
    case .int64, .timestamp, .date64, .time64, .duration: self = .int64
    case .uint8: self = .uint8
    case .uint16: self = .uint16
    case .uint32: self = .uint32
    case .uint64: self = .uint64
    case .float16: self = .float16
    case .float32: self = .float32
    case .float64: self = .float64
    case .decimal128: self = .int128
    case .utf8, .binary: self = .bytes
    case .fixedSizeBinary(let width): self = .fixedBytes(width)
    case .null: self = .null
    default: preconditionFailure("\(type) is not a type of keys")
    }
  }

  /// The bits that stand for a key: one zero, and one NaN.
  @inline(__always)  // A few instructions in the loops over rows; measured 1 ns a row and more as a call.
  static func bits(_ value: Double) -> UInt64 {
    if value != value { return 0x7FF8_0000_0000_0000 }
    return value == 0 ? 0 : value.bitPattern
  }

  /// As above.
  @inline(__always)
  static func bits(_ value: Float) -> UInt32 {
    if value != value { return 0x7FC0_0000 }
    return value == 0 ? 0 : value.bitPattern
  }

  /// As above.
  @inline(__always)
  static func bits(_ value: Float16) -> UInt16 {
    if value != value { return 0x7E00 }
    return value == 0 ? 0 : value.bitPattern
  }
}

/// Which types rows can be keyed by, and their columns in the form in which keys are read.
public enum KeyColumn {
  /// Nil when values of the type can be keys, else why not and what to do instead.
  public static func objection(to type: DataType) -> String? {
    switch type {
    case .list, .largeList, .fixedSizeList, .struct, .map:
      return "\(type) is nested; key by a part of it, or by its text"
    case .interval:
      return "\(type) has no equality of its own (a month is no number of days); key by a duration"
    case .dictionary(_, let value, _): return objection(to: value)
    default: return nil
    }
  }

  /// The same values where text and bytes have 32-bit offsets and no row names a value of a dictionary: keys that are equal
  /// are equal whatever layout they came in.
  ///
  /// - Throws: a `data` failure when the text of one batch takes 2 GiB or more.
  public static func plain(_ column: Column) throws(Failure) -> Column { try column.decoded().narrowed() }

  /// As `plain`, of all columns.
  public static func plain(_ columns: [Column]) throws(Failure) -> [Column] {
    var plain: [Column] = []
    plain.reserveCapacity(columns.count)
    for column in columns { plain.append(try self.plain(column)) }
    return plain
  }
}
