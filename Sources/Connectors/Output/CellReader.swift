import Arrow
import Calendar
import Text
import VolleyPlan

/// A column of a batch as the formatting loops see it: raw addresses, no references. Valid while the batch is alive.
struct CellReader {
  let kind: ColumnSlot.Kind
  /// Of a timestamp.
  let unit: TimeUnit
  /// Whether a timestamp has a time zone.
  let isInstant: Bool
  /// Values, bits or offsets by kind; `offset` rows of them come before row 0.
  let values: UnsafeRawPointer
  let bytes: UnsafePointer<UInt8>
  let validity: UnsafeRawPointer?
  let offset: Int
  /// What writes a column of kind `other`; whoever made the reader keeps it.
  private let other: Unmanaged<ValueWriter>?

  /// - Parameter writer: of a column of kind `other`.
  init(_ column: Column, _ writer: ValueWriter? = nil) {
    other = writer.map { .passUnretained($0) }
    kind = ColumnSlot.Kind(column.type)
    if case .timestamp(let unit, let zone) = column.type {
      self.unit = unit
      isInstant = zone != nil
    } else {
      unit = .second
      isInstant = false
    }
    guard kind != .other else {
      // Read through the writer.
      values = UnsafeRawPointer(Self.nothing)
      bytes = Self.nothing
      let combined = writer?.namedValidity
      validity = combined?.address ?? column.validity?.address
      offset = combined == nil ? column.offset : 0
      return
    }
    values = column.buffers[0].address
    bytes = kind == .utf8 ? column.bytes : UnsafePointer(column.buffers[0].values(UInt8.self))
    validity = column.validity?.address
    offset = column.offset
  }

  nonisolated(unsafe) private static let nothing = UnsafePointer<UInt8>(  // Never written.
    UnsafeMutablePointer<UInt8>.allocate(capacity: 16))

  /// Runs `body` with what writes a column of kind `other`.
  @inline(never)
  func withWriter(_ body: (ValueWriter) -> Void) {
    guard let other else { preconditionFailure("a column of another kind has a writer") }
    other._withUnsafeGuaranteedRef(body)
  }

  @inline(__always)
  func isNull(_ row: Int) -> Bool {
    guard let validity else { return false }
    return !Bitmap.get(validity, offset &+ row)
  }

  @inline(__always)
  func value<Value: BitwiseCopyable>(_ row: Int, _: Value.Type) -> Value {
    values.load(fromByteOffset: (offset &+ row) &* MemoryLayout<Value>.stride, as: Value.self)
  }

  @inline(__always)
  func bit(_ row: Int) -> Bool { Bitmap.get(values, offset &+ row) }

  /// Where the row's text begins, and its bytes.
  @inline(__always)
  func text(_ row: Int) -> (UnsafePointer<UInt8>, Int) {
    let first = Int(value(row, Int32.self))
    return (bytes + first, Int(value(row &+ 1, Int32.self)) &- first)
  }

  /// Writes a value other than text, at most 32 bytes, as text files have it; returns where it ends.
  @inline(__always)
  func write(_ row: Int, quotingTimes: Bool, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    switch kind {
    case .int64: return writeInteger(value(row, Int64.self), to: out)
    case .int32: return writeInteger(Int64(value(row, Int32.self)), to: out)
    case .float64: return writeDouble(value(row, Double.self), to: out)
    case .bool: return bit(row) ? writeWord("true", to: out) : writeWord("false", to: out)
    case .timestamp:
      let time = value(row, Int64.self)
      let text = quotingTimes ? out + 1 : out
      guard let end = ISO8601.writeCommon(time, unit: unit, isInstant: isInstant, to: text) else {
        return writeInteger(time, to: out)
      }
      guard quotingTimes else { return end }
      out.pointee = UInt8(ascii: "\"")
      end.pointee = UInt8(ascii: "\"")
      return end + 1
    case .utf8, .other: preconditionFailure("this is written by the format")
    }
  }

  /// Runs `body` with a reader for each column.
  static func withReaders<Result>(_ batch: RecordBatch, _ body: (UnsafePointer<CellReader>) -> Result) -> Result {
    let writers = batch.columns.map { ColumnSlot.Kind($0.type) == .other ? ValueWriter($0) : nil }
    let readers = zip(batch.columns, writers).map { CellReader($0, $1) }
    return withExtendedLifetime((batch, writers)) {
      readers.withUnsafeBufferPointer { readers in
        guard let first = readers.baseAddress else { preconditionFailure("a batch has at least one column") }
        return body(first)
      }
    }
  }
}

/// Most bytes of a value that is not text.
let cellBound = 40
