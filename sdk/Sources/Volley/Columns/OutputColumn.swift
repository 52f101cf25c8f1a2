import VolleyPlan

/// A column in the making: memory that grows and goes to the host without a copy.
public final class OutputColumn {
  public let type: DataType
  /// Rows that are written.
  @exclusivity(unchecked) public internal(set) var count = 0
  /// Rows that there is memory for.
  @exclusivity(unchecked) private(set) var capacity: Int
  @exclusivity(unchecked) public internal(set) var nullCount = 0
  /// Values, bits, or Int32 offsets of text.
  @exclusivity(unchecked) private var values: Block
  @exclusivity(unchecked) private var text: Block?
  @exclusivity(unchecked) private var textCount = 0
  /// Nil while no row is null.
  @exclusivity(unchecked) private var validityBits: Block?
  /// Text beyond what 32-bit offsets can address came in; the column cannot be used.
  @exclusivity(unchecked) private var tooMuchText = false

  /// - Parameter capacity: rows to have memory for at once.
  public init(_ type: DataType, capacity: Int) {
    self.type = type
    self.capacity = max(capacity, 1)
    values = Block(byteCount: Self.byteCount(type, self.capacity))
    switch type {
    case .utf8:
      text = Block(byteCount: 16 * self.capacity)
      offsets[0] = 0
    case .bool: values.address.initializeMemory(as: UInt8.self, repeating: 0, count: values.capacity)
    default: break
    }
  }

  deinit {
    values.free()
    text?.free()
    validityBits?.free()
  }

  private static func byteCount(_ type: DataType, _ rows: Int) -> Int {
    switch type {
    case .bool: Bits.byteCount(rows)
    case .int32: 4 * rows
    case .utf8: 4 * (rows + 1)
    case .int64, .float64, .timestamp: 8 * rows
    default: preconditionFailure("a column of \(type) is not built row by row; select other columns or cast")
    }
  }

  /// The first value; bits for bool, offsets for utf8.
  public var unsafeValues: UnsafeMutableRawPointer { values.address }

  private var offsets: UnsafeMutablePointer<Int32> { values.address.assumingMemoryBound(to: Int32.self) }

  /// Makes memory for at least `rows` rows. Writers that were made before must not be used after.
  public func reserve(_ rows: Int) {
    guard rows > capacity else { return }
    let capacity = max(rows, 2 * self.capacity)
    let used = Self.byteCount(type, count)
    let old = values.capacity
    values.grow(to: Self.byteCount(type, capacity), keeping: type == .bool ? old : used)
    if type == .bool && values.capacity > old {
      (values.address + old).initializeMemory(as: UInt8.self, repeating: 0, count: values.capacity - old)
    }
    if let bits = validityBits {
      let old = bits.capacity
      validityBits?.grow(to: Bits.byteCount(capacity), keeping: old)
      if let bits = validityBits, bits.capacity > old {
        (bits.address + old).initializeMemory(as: UInt8.self, repeating: 0xFF, count: bits.capacity - old)
      }
    }
    self.capacity = capacity
  }

  /// Writes row `row` of a text column, whose earlier rows are written.
  @inline(never)
  public func putText(_ bytes: UnsafeRawBufferPointer, _ row: Int) {
    let end = textCount + bytes.count
    if end > Int(Int32.max) {
      tooMuchText = true
    } else if let source = bytes.baseAddress {
      text?.grow(to: max(end, end > (text?.capacity ?? 0) ? 2 * textCount : 0), keeping: textCount)
      if let text { (text.address + textCount).copyMemory(from: source, byteCount: bytes.count) }
      textCount = end
    }
    offsets[row + 1] = Int32(textCount)
  }

  /// The bits of the rows that are not null, all set, there being memory for `capacity` rows.
  public func unsafeValidity() -> UnsafeMutablePointer<UInt8> {
    if let bits = validityBits { return bits.address.assumingMemoryBound(to: UInt8.self) }
    let bits = Block(byteCount: Bits.byteCount(capacity))
    validityBits = bits
    return bits.address.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bits.capacity)
  }

  /// Says how many rows are written, and how many of them are null.
  public func finish(count: Int, nullCount: Int) {
    self.count = count
    self.nullCount = nullCount
  }

  /// What goes to the host.
  func exported() throws(VolleyError) -> ExportedColumn {
    if tooMuchText {
      throw VolleyError("a text column of one batch is larger than 2 GiB: make smaller batches")
    }
    return ExportedColumn(
      length: count, offset: 0, nullCount: nullCount,
      buffers: [
        nullCount == 0 ? nil : validityBits.map { UnsafeRawPointer($0.address) }, UnsafeRawPointer(values.address),
      ]
        + (text.map { [UnsafeRawPointer($0.address)] } ?? []),
      owner: self)
  }
}

/// Writes values of fixed width.
@frozen
public struct FixedWriter<Element: BitwiseCopyable>: ColumnWriter {
  @usableFromInline let base: UnsafeMutableRawPointer

  @inlinable
  public init(_ column: OutputColumn) { base = column.unsafeValues }

  @inlinable
  @inline(__always)
  public mutating func put(_ value: Element, _ row: Int) {
    base.storeBytes(of: value, toByteOffset: row * MemoryLayout<Element>.stride, as: Element.self)
  }

  @inlinable
  @inline(__always)
  public mutating func putDefault(_ row: Int) {
    let size = MemoryLayout<Element>.stride
    (base + row * size).initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }
}

/// Writes booleans.
@frozen
public struct BitWriter: ColumnWriter {
  @usableFromInline let bits: UnsafeMutablePointer<UInt8>

  @inlinable
  public init(_ column: OutputColumn) { bits = column.unsafeValues.assumingMemoryBound(to: UInt8.self) }

  @inlinable
  @inline(__always)
  public mutating func put(_ value: Bool, _ row: Int) { Bits.set(bits, row, value) }

  @inlinable
  @inline(__always)
  public mutating func putDefault(_ row: Int) { Bits.set(bits, row, false) }
}

/// Writes text.
@frozen
public struct TextWriter: ColumnWriter {
  @usableFromInline let column: OutputColumn

  @inlinable
  public init(_ column: OutputColumn) { self.column = column }

  @inlinable
  public mutating func put(_ value: String, _ row: Int) {
    var value = value
    value.withUTF8 { column.putText(UnsafeRawBufferPointer($0), row) }
  }

  @inlinable
  public mutating func putDefault(_ row: Int) { column.putText(UnsafeRawBufferPointer(start: nil, count: 0), row) }
}
