import Arrow
import VolleyPlan

/// A column that is being filled, as the decoding loops see it: raw addresses and counts, no references.
struct ColumnSlot {
  enum Kind: UInt8 { case bool, int32, int64, float64, utf8, timestamp, other }

  let kind: Kind
  let isNullable: Bool
  /// Of a timestamp.
  let unit: TimeUnit
  /// Bits, values or offsets, by kind.
  var values: UnsafeMutableRawPointer
  /// All ones but for nulls.
  var validity: UnsafeMutableRawPointer
  var nullCount = 0
  /// The text of a `utf8` column.
  var bytes: UnsafeMutablePointer<UInt8>
  var bytesUsed = 0
  /// Bytes that may be used; `ColumnTable.slack` more may be written.
  var bytesCapacity = 0
  /// What fills a column of kind `other`; the table keeps it.
  var other: Unmanaged<ValueBuilder>?
  /// The row that has a value already, where columns come in any order; -1 at first.
  var filledRow = -1

  @inline(__always)
  mutating func set(_ row: Int, _ value: Int64) { values.storeBytes(of: value, toByteOffset: row &* 8, as: Int64.self) }

  @inline(__always)
  mutating func set(_ row: Int, _ value: Int32) { values.storeBytes(of: value, toByteOffset: row &* 4, as: Int32.self) }

  @inline(__always)
  mutating func set(_ row: Int, _ value: Double) {
    values.storeBytes(of: value, toByteOffset: row &* 8, as: Double.self)
  }

  @inline(__always)
  mutating func set(_ row: Int, _ value: Bool) { Bitmap.set(values, row, value) }

  /// The text of the row ends where the used bytes end.
  @inline(__always)
  mutating func endText(_ row: Int) {
    values.storeBytes(of: Int32(truncatingIfNeeded: bytesUsed), toByteOffset: (row &+ 1) &* 4, as: Int32.self)
  }

  /// Where the row's text begins.
  @inline(__always)
  func textStart(_ row: Int) -> Int { Int(values.load(fromByteOffset: row &* 4, as: Int32.self)) }

  /// The row has no value; its place holds zero.
  @inline(__always)
  mutating func setNull(_ row: Int) {
    if kind == .other { return appendOther { $0.appendNull() } }
    Bitmap.set(validity, row, false)
    nullCount += 1
    switch kind {
    case .bool: set(row, false)
    case .int32: set(row, Int32(0))
    case .int64, .timestamp: set(row, Int64(0))
    case .float64: set(row, 0.0)
    case .utf8: endText(row)
    case .other: break
    }
  }

  /// Runs `body` with what fills a column of kind `other`.
  @inline(never)
  func appendOther<Result>(_ body: (ValueBuilder) -> Result) -> Result {
    guard let other else { preconditionFailure("a column of another kind has a builder") }
    return other._withUnsafeGuaranteedRef(body)
  }

  /// Takes back what was written of the row.
  mutating func clear(_ row: Int) {
    if !Bitmap.get(validity, row) {
      Bitmap.set(validity, row, true)
      nullCount -= 1
    }
    if kind == .utf8 { bytesUsed = textStart(row) }
    if kind == .other { appendOther { $0.truncate(to: row) } }
    filledRow = -1
  }
}

extension ColumnSlot.Kind {
  init(_ type: DataType) {
    self =
      switch type {
      case .bool: .bool
      case .int32: .int32
      case .int64: .int64
      case .float64: .float64
      case .utf8: .utf8
      case .timestamp: .timestamp
      default: .other
      }
  }
}
