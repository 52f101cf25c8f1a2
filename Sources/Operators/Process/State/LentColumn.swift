import Arrow
import Base
import VolleyPlan

/// A column in somebody else's memory, for the length of a call.
public struct LentColumn {
  /// Bit `offset + i` tells whether row i is not null; nil: none is.
  public var validity: UnsafeRawPointer?
  /// Values, bits or Int32 offsets; row 0 is number `offset`.
  public var values: UnsafeRawPointer
  /// What the offsets delimit; nil when that is nothing.
  public var bytes: UnsafeRawPointer?
  public var offset: Int

  public init(validity: UnsafeRawPointer?, values: UnsafeRawPointer, bytes: UnsafeRawPointer?, offset: Int) {
    self.validity = validity
    self.values = values
    self.bytes = bytes
    self.offset = offset
  }

  @inline(__always)  // A test in the loops over rows.
  func isValid(_ row: Int) -> Bool {
    guard let validity else { return true }
    return Bitmap.get(validity, offset &+ row)
  }

  /// The bytes of a row.
  ///
  /// - Throws: `plugin` when the offsets are none, or the text is not UTF-8.
  @inline(__always)  // A part of the loop over rows.
  func text(_ row: Int, isText: Bool, of name: String) throws(Failure) -> UnsafeRawBufferPointer {
    let offsets = values.assumingMemoryBound(to: Int32.self) + (offset + row)
    let (start, end) = (Int(offsets[0]), Int(offsets[1]))
    guard start >= 0, end >= start, end == start || bytes != nil else { throw Self.unsound(name, row, start, end) }
    guard end > start, let bytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let text = UnsafeRawBufferPointer(start: bytes + start, count: end - start)
    if isText && !Utf8.isValid(text) { throw Self.notText(name, row) }
    return text
  }

  @inline(never)
  private static func unsound(_ name: String, _ row: Int, _ start: Int, _ end: Int) -> Failure {
    Failure(
      .plugin, "the column '\(name)' says that row \(row) is bytes \(start) to \(end); give offsets that do not fall")
  }

  @inline(never)
  private static func notText(_ name: String, _ row: Int) -> Failure {
    Failure(.plugin, "the column '\(name)' holds text that is not UTF-8 in row \(row); encode it so")
  }
}

/// Columns that are lent to somebody for the length of a call, in memory that is reused.
public final class LendingColumns {
  public let fields: [Field]
  public private(set) var rowCount = 0
  /// Bit i tells whether row i is there as a whole.
  public private(set) var presence: UnsafeMutableRawPointer
  private var columns: [Memory]
  private var capacity = 0

  struct Memory {
    var validity: UnsafeMutableRawPointer
    var values: UnsafeMutableRawPointer
    var bytes: UnsafeMutableRawPointer
    var byteCapacity = 0
    let rowBits: Int
  }

  init(_ fields: [Field]) {
    self.fields = fields
    presence = .allocate(byteCount: 8, alignment: 8)
    columns = fields.map { field in
      let bits: Int
      switch StateRecord.form(field.type) {
      case .fixed(let width): bits = 8 * width
      case .bytes: bits = 32
      default: bits = 1
      }
      return Memory(
        validity: .allocate(byteCount: 8, alignment: 8), values: .allocate(byteCount: 8, alignment: 8),
        bytes: .allocate(byteCount: 64, alignment: 8), byteCapacity: 64, rowBits: bits)
    }
    reserve(1)
  }

  deinit {
    presence.deallocate()
    for column in columns {
      column.validity.deallocate()
      column.values.deallocate()
      column.bytes.deallocate()
    }
  }

  /// Bytes that it holds.
  var byteCount: Int {
    columns.reduce(capacity / 8) { $0 + capacity * ($1.rowBits + 1) / 8 + $1.byteCapacity }
  }

  /// Makes room for rows, whose content is undefined.
  func begin(_ rows: Int) {
    if rows > capacity { reserve(rows) }
    rowCount = rows
  }

  private func reserve(_ rows: Int) {
    capacity = max(rows, 2 * capacity)
    presence.deallocate()
    presence = Self.bits(capacity)
    for index in columns.indices {
      columns[index].validity.deallocate()
      columns[index].validity = Self.bits(capacity)
      columns[index].values.deallocate()
      // One row more, for the end of the last text.
      columns[index].values = .allocate(
        byteCount: ((capacity + 1) * columns[index].rowBits + 7) / 8 + 8, alignment: 64)
    }
  }

  private static func bits(_ count: Int) -> UnsafeMutableRawPointer {
    .allocate(byteCount: Bitmap.paddedByteCount(count), alignment: 8)
  }

  func validity(_ column: Int) -> UnsafeMutableRawPointer { columns[column].validity }
  func values(_ column: Int) -> UnsafeMutableRawPointer { columns[column].values }

  /// Memory of texts of so many bytes; what it held is gone.
  func bytes(_ column: Int, _ count: Int) -> UnsafeMutableRawPointer {
    if count > columns[column].byteCapacity {
      columns[column].bytes.deallocate()
      columns[column].byteCapacity = max(count, 2 * columns[column].byteCapacity)
      columns[column].bytes = .allocate(byteCount: columns[column].byteCapacity, alignment: 64)
    }
    return columns[column].bytes
  }

  /// The memory of a column: bits, values or offsets, bytes.
  public func pointers(
    _ column: Int
  ) -> (validity: UnsafeRawPointer, values: UnsafeRawPointer, bytes: UnsafeRawPointer) {
    let memory = columns[column]
    return (UnsafeRawPointer(memory.validity), UnsafeRawPointer(memory.values), UnsafeRawPointer(memory.bytes))
  }
}
