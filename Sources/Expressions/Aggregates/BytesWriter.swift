import Arrow
import Base
import Glibc
import VolleyPlan

/// Writes a binary column whose length in bytes is not known before.
final class BytesWriter {
  private let offsets: Buffer
  private let validity: Words
  private var bytes = SlotStates<UInt8>(initial: 0)
  private let length: Int
  private var row = 0
  private var nulls = 0

  /// - Parameter count: the rows that are to be appended.
  init(_ count: Int) {
    length = count
    offsets = Buffer(byteCount: (count + 1) * 4)
    offsets.unsafeMutableValues(Int32.self)[0] = 0
    validity = Words(repeating: true, count: count)
  }

  deinit { bytes.deallocate() }

  /// Appends a value, nil for a null. Throws a `data` failure that names the type when 32-bit offsets do not reach.
  func append(_ value: UnsafeBufferPointer<UInt8>?, _ type: DataType) throws(Failure) {
    if let value, let source = value.baseAddress {
      let start = bytes.count
      guard start + value.count <= Int(Int32.max) else { throw ColumnTooLong.failure(type) }
      try bytes.grow(to: start + value.count)
      memcpy(bytes.base + start, source, value.count)
    }
    if value == nil {
      Bitmap.set(validity.buffer.unsafeMutableAddress, row, false)
      nulls += 1
    }
    row += 1
    offsets.unsafeMutableValues(Int32.self)[row] = Int32(truncatingIfNeeded: bytes.count)
  }

  func finish() -> Column {
    precondition(row == length, "a value is written for each row")
    let target = Buffer(byteCount: bytes.count)
    target.unsafeMutableAddress.copyMemory(from: bytes.base, byteCount: bytes.count)
    return Column(
      type: .binary, length: length, validity: nulls == 0 ? nil : validity.buffer, buffers: [offsets, target])
  }
}

/// Bytes of fixed width as bytes of any, and back.
enum FixedBytes {
  /// A text or binary column as it is; one of fixed width with offsets, its bytes shared.
  static func variable(_ column: Column) -> Column {
    guard case .fixedSizeBinary(let width) = column.type else { return column }
    let offsets = Buffer(byteCount: (column.length + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    for row in 0...column.length { ends[row] = Int32(truncatingIfNeeded: row * width) }
    let bytes = Buffer(
      foreign: column.buffers[0].address + column.offset * width, byteCount: column.length * width,
      owner: column.buffers[0])
    return Column(type: .binary, length: column.length, validity: nil, buffers: [offsets, bytes])
  }

  /// A binary column as one of that type.
  static func fixed(_ column: Column, _ type: DataType) -> Column {
    var result = column
    result.type = type
    guard case .fixedSizeBinary(let width) = type else { return result }
    let target = Buffer(byteCount: column.length * width)
    memset(target.unsafeMutableAddress, 0, column.length * width)
    for row in 0..<column.length {
      let value = column.utf8(at: row)
      if let source = value.baseAddress { memcpy(target.unsafeMutableAddress + row * width, source, value.count) }
    }
    return Column(type: type, length: column.length, validity: column.validity, buffers: [target])
  }
}
