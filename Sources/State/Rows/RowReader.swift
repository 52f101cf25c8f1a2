import Arrow
import Base
import Keys
import VolleyPlan

/// Reads columns of rows: one loop a column and physical type.
struct RowReader {
  let layout: RowLayout
  /// Where each row is; sixteen bytes behind it may be read.
  let rows: UnsafePointer<UnsafeMutableRawPointer>
  let count: Int
  /// By bit: whether a row may have a null there.
  let mayBeNull: [Bool]

  /// A column of the rows' values of one field.
  ///
  /// - Throws: a `data` failure when the text of the column would take 2 GiB or more.
  func column(_ field: RowLayout.Field) throws(Failure) -> Column {
    // Of a dictionary the values that it names, of text in any layout the one with 32-bit offsets.
    let plain = KeyColumn.plainType(field.type)
    let validity = validity(field.bit)
    var column: Column
    switch field.kind {
    case .none: column = Column(nullsOnly: count)
    case .record(let fields):
      var children: [Column] = []
      for field in fields { children.append(try self.column(field)) }
      column = Column(type: plain, length: count, validity: validity, buffers: [], children: children)
    case .bit: column = Column(type: plain, length: count, validity: validity, buffers: [bits(field.place)])
    case .fixed(let width):
      column = Column(type: plain, length: count, validity: validity, buffers: [fixed(field.place, width)])
    case .bytes(let former):
      let isNested = plain.layout != .variable32
      column = Column(
        type: isNested ? .binary : plain, length: count, validity: validity,
        buffers: try bytes(field.place, former, plain))
      if isNested { column = try NestedBytes.decode(column, as: plain) }
    }
    return try KeyColumn.restored(column, as: field.type)
  }

  /// Nil when no row is null.
  private func validity(_ bit: Int) -> Buffer? {
    guard mayBeNull[bit] else { return nil }
    let place = layout.bitsPlace + bit >> 3
    let shift = UInt8(bit & 7)
    return collected { ~rows[$0].load(fromByteOffset: place, as: UInt8.self) &>> shift }.nilIfAllOnes(count)
  }

  private func bits(_ place: Int) -> Buffer {
    collected { rows[$0].load(fromByteOffset: place, as: UInt8.self) }
  }

  /// The lowest bits of what a row gives.
  @inline(__always)  // Specialises the loop for the closure, which is then no call.
  private func collected(_ bit: (Int) -> UInt8) -> Buffer {
    let buffer = Buffer(byteCount: Bitmap.paddedByteCount(count))
    let words = buffer.unsafeMutableValues(UInt64.self)
    for first in stride(from: 0, to: count, by: 64) {
      var word: UInt64 = 0
      for row in first..<min(first &+ 64, count) {
        word |= UInt64(bit(row) & 1) &<< UInt64(truncatingIfNeeded: row &- first)
      }
      words[first >> 6] = word.littleEndian
    }
    return buffer
  }

  private func fixed(_ place: Int, _ width: Int) -> Buffer {
    let buffer = Buffer(byteCount: count * width)
    switch width {
    case 1: fixed(UInt8.self, place, buffer)
    case 2: fixed(UInt16.self, place, buffer)
    case 4: fixed(UInt32.self, place, buffer)
    case 8: fixed(UInt64.self, place, buffer)
    case 16: fixed(SIMD2<UInt64>.self, place, buffer)
    default:
      for row in 0..<count {
        (buffer.unsafeMutableAddress + row * width).copyMemory(from: rows[row] + place, byteCount: width)
      }
    }
    return buffer
  }

  @inline(__always)  // One specialised loop a width.
  private func fixed<Value: BitwiseCopyable>(_: Value.Type, _ place: Int, _ buffer: Buffer) {
    let target = buffer.unsafeMutableValues(Value.self)
    for row in 0..<count { target[row] = rows[row].loadUnaligned(fromByteOffset: place, as: Value.self) }
  }

  /// Offsets and bytes.
  private func bytes(_ place: Int, _ former: Int?, _ type: DataType) throws(Failure) -> [Buffer] {
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let target = offsets.unsafeMutableValues(Int32.self)
    var total = 0
    target[0] = 0
    for row in 0..<count {
      let end = rows[row].loadUnaligned(fromByteOffset: place, as: UInt32.self)
      total &+= Int(end &- start(row, former))
      target[row &+ 1] = Int32(truncatingIfNeeded: total)
    }
    guard total <= Int(Int32.max) else {
      throw Failure(
        .data,
        "the \(type) values of \(count) rows take \(total) bytes, and 2147483647 fit a column; lower --batch-rows")
    }
    // Short values are copied as sixteen bytes, over whose rest the next one is copied.
    let bytes = Buffer(byteCount: total + 16)
    bytes.setByteCount(total)
    for row in 0..<count {
      let length = Int(target[row &+ 1] &- target[row])
      let source = rows[row] + Int(start(row, former))
      let place = bytes.unsafeMutableAddress + Int(target[row])
      if length <= 16 {
        place.storeBytes(of: source.loadUnaligned(as: SIMD2<UInt64>.self), as: SIMD2<UInt64>.self)
      } else {
        place.copyMemory(from: source, byteCount: length)
      }
    }
    return [offsets, bytes]
  }

  /// Where a value of varying length begins.
  @inline(__always)  // A part of the loops above.
  private func start(_ row: Int, _ former: Int?) -> UInt32 {
    guard let former else { return UInt32(truncatingIfNeeded: layout.fixedSize) }
    return rows[row].loadUnaligned(fromByteOffset: former, as: UInt32.self)
  }
}

extension Buffer {
  /// Itself, as the validity of so many rows.
  fileprivate func nilIfAllOnes(_ count: Int) -> Buffer? {
    Bitmap.countOnes(address, 0, count: count) == count ? nil : self
  }
}
