import Arrow
import Base
import VolleyPlan

/// Columns whose bytes behind nulls are zeros: what is undefined in a column is not to be seen on a disk, and equal
/// values are equal bytes.
enum ZeroedNulls {
  /// The same values, those of dictionaries instead of what names them, the first row first in the buffers where one is
  /// null.
  ///
  /// - Throws: a `data` failure when the values of a dictionary, repeated, do not fit a column.
  static func of(_ column: Column) throws(Failure) -> Column {
    try zeroed(try column.decoded(), within: nil)
  }

  /// - Parameter parent: bits of the structs' rows that are not null, the first row first; a null one's fields are
  ///   nulls.
  private static func zeroed(_ column: Column, within parent: Buffer?) throws(Failure) -> Column {
    guard let validity = validity(column, parent) else {
      guard case .record = column.type.layout else { return column }
      return try record(column, nil)
    }
    let count = column.length
    switch column.type.layout {
    case .record: return try record(column, validity)
    case .bits:
      let bits = Buffer(byteCount: Bitmap.paddedByteCount(count))
      Bitmap.copy(column.buffers[0].address, column.offset, count: count, to: bits.unsafeMutableAddress, 0)
      let (words, valid) = (bits.unsafeMutableValues(UInt64.self), validity.values(UInt64.self))
      for word in 0..<(count + 63) / 64 { words[word] &= valid[word] }
      return Column(type: column.type, length: count, validity: validity, buffers: [bits])
    case .fixed(let width):
      let values = Buffer(byteCount: count * width)
      let target = values.unsafeMutableAddress
      target.copyMemory(from: column.buffers[0].address + column.offset * width, byteCount: count * width)
      for row in 0..<count where !Bitmap.get(validity.address, row) {
        (target + row * width).initializeMemory(as: UInt8.self, repeating: 0, count: width)
      }
      return Column(type: column.type, length: count, validity: validity, buffers: [values])
    case .none: return column
    case .variable32, .variable64, .view, .list32, .list64, .fixedList, .dictionary:
      // Values of varying length have no bytes behind a null. The bits have to begin where the other buffers do.
      var column = column
      let bits = Buffer(byteCount: Bitmap.paddedByteCount(column.offset + count))
      Bitmap.fill(bits.unsafeMutableAddress, 0, count: column.offset + count, true)
      Bitmap.copy(validity.address, 0, count: count, to: bits.unsafeMutableAddress, column.offset)
      column.validity = bits
      return column
    }
  }

  private static func record(_ column: Column, _ validity: Buffer?) throws(Failure) -> Column {
    var fields: [Column] = []
    for index in column.children.indices {
      fields.append(try zeroed(try column.field(index).decoded(), within: validity))
    }
    return Column(type: column.type, length: column.length, validity: validity, buffers: [], children: fields)
  }

  /// Bits of the rows that are not null, from the first row on; nil when no row is null.
  private static func validity(_ column: Column, _ parent: Buffer?) -> Buffer? {
    guard let own = column.validity else { return parent }
    let bits = Buffer(byteCount: Bitmap.paddedByteCount(column.length))
    Bitmap.copy(own.address, column.offset, count: column.length, to: bits.unsafeMutableAddress, 0)
    guard let parent else { return bits }
    let (words, outer) = (bits.unsafeMutableValues(UInt64.self), parent.values(UInt64.self))
    for word in 0..<(column.length + 63) / 64 { words[word] &= outer[word] }
    return bits
  }
}
