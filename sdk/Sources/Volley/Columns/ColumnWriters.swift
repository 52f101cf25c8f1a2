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
    value.withUTF8 { column.putBytes(UnsafeRawBufferPointer($0), row) }
  }

  @inlinable
  public mutating func putDefault(_ row: Int) { column.putBytes(UnsafeRawBufferPointer(start: nil, count: 0), row) }
}

/// Writes bytes.
@frozen
public struct ByteWriter: ColumnWriter {
  @usableFromInline let column: OutputColumn

  @inlinable
  public init(_ column: OutputColumn) { self.column = column }

  @inlinable
  public mutating func put(_ value: [UInt8], _ row: Int) { value.withUnsafeBytes { column.putBytes($0, row) } }

  @inlinable
  public mutating func putDefault(_ row: Int) { column.putBytes(UnsafeRawBufferPointer(start: nil, count: 0), row) }
}

/// Writes durations as microseconds; finer parts are dropped.
@frozen
public struct DurationWriter: ColumnWriter {
  @usableFromInline let column: OutputColumn
  @usableFromInline let base: UnsafeMutablePointer<Int64>

  @inlinable
  public init(_ column: OutputColumn) {
    self.column = column
    base = column.unsafeValues.assumingMemoryBound(to: Int64.self)
  }

  @inlinable
  public mutating func put(_ value: Duration, _ row: Int) {
    base[row] = value.microseconds(for: column)
  }

  @inlinable
  public mutating func putDefault(_ row: Int) { base[row] = 0 }
}

extension Duration {
  /// Microseconds, rounded toward zero; 0 beyond 64 bits, and the column cannot be used.
  @inlinable
  func microseconds(for column: OutputColumn) -> Int64 {
    if let whole = wholeMicroseconds { return whole }
    column.refuse("the duration \(self) is longer than the 292,471 years that 64 bits of microseconds hold")
    return 0
  }

  /// Rounded toward zero; nil beyond 64 bits.
  @inlinable
  var wholeMicroseconds: Int64? {
    let (seconds, attoseconds) = components
    let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, overflowsInSum) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    return overflows || overflowsInSum ? nil : sum
  }
}
