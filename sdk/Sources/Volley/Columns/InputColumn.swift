import CVolley
import VolleyPlan

/// A column that the host lent with a batch. Valid as long as the batch.
public struct InputColumn {
  @usableFromInline let length: Int
  /// The index of row 0 in the buffers.
  @usableFromInline let offset: Int
  @usableFromInline let nullCount: Int
  @usableFromInline let validityBits: UnsafePointer<UInt8>?
  /// Values, bits, or Int32 offsets of text or bytes; of a column that has no view, nothing.
  @usableFromInline let values: UnsafeRawPointer
  /// What the offsets delimit.
  @usableFromInline let text: UnsafeRawPointer?

  /// What an empty column without buffers points to.
  // Written once, before anybody reads.
  nonisolated(unsafe) private static let nothing = UnsafeRawPointer(permanent((Int64(0), Int64(0))))

  /// - Parameter parent: the struct array that the column is a child of.
  init(_ array: borrowing ArrowArray, in parent: borrowing ArrowArray, field: Field) throws(VolleyError) {
    let storage = ColumnStorage(field.type)
    // A column that has no view is only passed on, whatever its buffers are.
    let found = array.n_buffers
    let buffers = storage.map { Int64($0.bufferCount) } ?? found
    guard array.n_buffers == buffers, array.buffers != nil || buffers == 0,
      array.length >= parent.offset + parent.length,
      array.offset >= 0, parent.offset >= 0
    else {
      throw VolleyError(
        "column '\(field.name)' came with \(array.n_buffers) buffers and \(array.length) rows: expected \(buffers) buffers "
          + "and \(parent.offset + parent.length) rows for \(field.type)", domain: .internal)
    }
    length = Int(parent.length)
    offset = Int(array.offset + parent.offset)
    if field.type == .null {
      nullCount = length
      validityBits = nil
    } else if array.null_count != 0, buffers > 0, let bits = array.buffers?[0]?.assumingMemoryBound(to: UInt8.self) {
      nullCount = length - Bits.countOnes(bits, offset: offset, count: length)
      validityBits = nullCount == 0 ? nil : bits
    } else {
      nullCount = 0
      validityBits = nil
    }
    guard let storage, let pointers = array.buffers else {
      values = Self.nothing
      text = nil
      return
    }
    guard pointers[1] != nil || length == 0 else {
      throw VolleyError("column '\(field.name)' came without values", domain: .internal)
    }
    values = pointers[1].map { UnsafeRawPointer($0) } ?? Self.nothing
    text = storage == .bytes ? pointers[2].map { UnsafeRawPointer($0) } : nil
  }

  public var validity: Validity {
    @inlinable get { Validity(bits: validityBits, offset: offset) }
  }
}
