/// Reads values of fixed width.
@frozen
public struct FixedReader<Element: BitwiseCopyable>: ColumnReader {
  @usableFromInline let base: UnsafePointer<Element>

  @inlinable
  public init(_ column: InputColumn) { base = column.values.assumingMemoryBound(to: Element.self) + column.offset }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> Element { base[row] }
}

/// Reads booleans.
@frozen
public struct BitReader: ColumnReader {
  @usableFromInline let bits: UnsafePointer<UInt8>
  @usableFromInline let offset: Int

  @inlinable
  public init(_ column: InputColumn) {
    bits = column.values.assumingMemoryBound(to: UInt8.self)
    offset = column.offset
  }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> Bool { Bits.get(bits, offset + row) }
}

/// Reads text. Text of up to 15 bytes needs no allocation.
@frozen
public struct TextReader: ColumnReader {
  @usableFromInline let reader: ByteReader

  @inlinable
  public init(_ column: InputColumn) { reader = ByteReader(column) }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> String { String(decoding: reader.bytes(row), as: UTF8.self) }

  /// The bytes of a row, without a copy.
  @inlinable
  @inline(__always)
  public func bytes(_ row: Int) -> UnsafeRawBufferPointer { reader.bytes(row) }
}

/// Reads bytes.
@frozen
public struct ByteReader: ColumnReader {
  @usableFromInline let offsets: UnsafePointer<Int32>
  @usableFromInline let bytes: UnsafeRawPointer?

  @inlinable
  public init(_ column: InputColumn) {
    offsets = column.values.assumingMemoryBound(to: Int32.self) + column.offset
    bytes = column.text
  }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> [UInt8] { Array(self.bytes(row)) }

  /// The bytes of a row, without a copy.
  @inlinable
  @inline(__always)
  public func bytes(_ row: Int) -> UnsafeRawBufferPointer {
    let start = Int(offsets[row])
    let end = Int(offsets[row + 1])
    guard let bytes, end > start else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: bytes + start, count: end - start)
  }
}

/// Reads microseconds as durations.
@frozen
public struct DurationReader: ColumnReader {
  @usableFromInline let base: UnsafePointer<Int64>

  @inlinable
  public init(_ column: InputColumn) { base = column.values.assumingMemoryBound(to: Int64.self) + column.offset }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> Duration { .microseconds(base[row]) }
}
