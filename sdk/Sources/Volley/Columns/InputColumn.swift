import CVolley
import VolleyPlan

/// A column that the host lent with a batch. Valid as long as the batch.
public struct InputColumn {
  @usableFromInline let length: Int
  /// The index of row 0 in the buffers.
  @usableFromInline let offset: Int
  @usableFromInline let nullCount: Int
  @usableFromInline let validityBits: UnsafePointer<UInt8>?
  /// Values, bits, or Int32 offsets of text.
  @usableFromInline let values: UnsafeRawPointer
  /// Bytes of text.
  @usableFromInline let text: UnsafeRawPointer?

  /// What an empty column without buffers points to.
  // Written once, before anybody reads.
  nonisolated(unsafe) private static let nothing = UnsafeRawPointer(permanent((Int64(0), Int64(0))))

  /// - Parameter parent: the struct array that the column is a child of.
  init(_ array: borrowing ArrowArray, in parent: borrowing ArrowArray, field: Field) throws(VolleyError) {
    let buffers = field.type == .utf8 ? 3 : 2
    guard array.n_buffers == buffers, let pointers = array.buffers, array.length >= parent.offset + parent.length,
      array.offset >= 0, parent.offset >= 0
    else {
      throw VolleyError(
        "column '\(field.name)' came with \(array.n_buffers) buffers and \(array.length) rows: expected \(buffers) buffers "
          + "and \(parent.offset + parent.length) rows for \(field.type)", domain: .internal)
    }
    length = Int(parent.length)
    offset = Int(array.offset + parent.offset)
    if array.null_count != 0, let bits = pointers[0]?.assumingMemoryBound(to: UInt8.self) {
      nullCount = length - Bits.countOnes(bits, offset: offset, count: length)
      validityBits = nullCount == 0 ? nil : bits
    } else {
      nullCount = 0
      validityBits = nil
    }
    guard pointers[1] != nil || length == 0 else {
      throw VolleyError("column '\(field.name)' came without values", domain: .internal)
    }
    values = pointers[1].map { UnsafeRawPointer($0) } ?? Self.nothing
    text = buffers == 3 ? pointers[2].map { UnsafeRawPointer($0) } : nil
  }

  public var validity: Validity {
    @inlinable get { Validity(bits: validityBits, offset: offset) }
  }
}

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
  @usableFromInline let offsets: UnsafePointer<Int32>
  @usableFromInline let bytes: UnsafeRawPointer?

  @inlinable
  public init(_ column: InputColumn) {
    offsets = column.values.assumingMemoryBound(to: Int32.self) + column.offset
    bytes = column.text
  }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> String { String(decoding: self.bytes(row), as: UTF8.self) }

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
