import Arrow
import Base
import CPlatform

/// Moving values between records and columns, one column at a time.
extension StateRecord {
  typealias Address = UnsafeMutableRawPointer

  /// Writes row i of columns to record i. Texts that the records had are freed; a record may come more than once.
  ///
  /// - Throws: `plugin` when a column that may not be null is, or holds text that is none; records may then be written in part.
  func write(
    _ lent: UnsafePointer<LentColumn>, _ records: UnsafePointer<Address>, _ count: Int, _ blocks: BlockArena
  ) throws(Failure) {
    for (index, column) in columns.enumerated() {
      try writeNulls(column, lent[index], records, count)
      switch column.form {
      case .bit:
        let source = lent[index]
        for row in 0..<count {
          records[row].storeBytes(
            of: Bitmap.get(source.values, source.offset + row) ? 1 : 0, toByteOffset: column.offset, as: UInt8.self)
        }
      case .fixed(8): copy(lent[index], records, count, column.offset, UInt64.self)
      case .fixed(4): copy(lent[index], records, count, column.offset, UInt32.self)
      case .fixed(let width):
        let source = lent[index].values + lent[index].offset * width
        for row in 0..<count { (records[row] + column.offset).copyMemory(from: source + row * width, byteCount: width) }
      case .bytes(let isText):
        for row in 0..<count {
          let target = records[row] + column.offset
          Self.freeText(target, blocks)
          // A null's text is not looked at.
          if lent[index].isValid(row) {
            try Self.putText(
              try lent[index].text(row, isText: isText, of: column.field.name), at: target, blocks)
          }
        }
      }
    }
  }

  @inline(__always)  // Specialises the loop for the width.
  private func copy<Value: BitwiseCopyable>(
    _ lent: LentColumn, _ records: UnsafePointer<Address>, _ count: Int, _ offset: Int, _: Value.Type
  ) {
    let source = lent.values.assumingMemoryBound(to: Value.self) + lent.offset
    for row in 0..<count { records[row].storeBytes(of: source[row], toByteOffset: offset, as: Value.self) }
  }

  private func writeNulls(
    _ column: Column, _ lent: LentColumn, _ records: UnsafePointer<Address>, _ count: Int
  ) throws(Failure) {
    guard let bit = column.nullBit else {
      guard lent.validity != nil else { return }
      for row in 0..<count where !lent.isValid(row) {
        throw Failure(
          .plugin,
          "the column '\(column.field.name)' is null in row \(row), and may not be; declare it as one that may, or give a value"
        )
      }
      return
    }
    let offset = nullOffset + bit / 64 * 8
    let mask: UInt64 = 1 << UInt64(bit % 64)
    for row in 0..<count {
      let word = records[row].load(fromByteOffset: offset, as: UInt64.self)
      records[row].storeBytes(
        of: lent.isValid(row) ? word & ~mask : word | mask, toByteOffset: offset, as: UInt64.self)
    }
  }

  // MARK: Reading

  /// Writes record i to row i, which is not there as a whole where the record is nil.
  func read(_ records: UnsafePointer<Address?>, _ count: Int, into target: LendingColumns) throws(Failure) {
    target.begin(count)
    Self.fill(target.presence, count) { records[$0] != nil }
    for (index, column) in columns.enumerated() {
      readNulls(column, records, count, target.validity(index))
      let values = target.values(index)
      switch column.form {
      case .bit:
        let offset = column.offset
        Self.fill(values, count) { row in
          guard let record = records[row] else { return false }
          return record.load(fromByteOffset: offset, as: UInt8.self) != 0
        }
      case .fixed(8): gather(records, count, column.offset, values, UInt64.self)
      case .fixed(4): gather(records, count, column.offset, values, UInt32.self)
      case .fixed(let width):
        for row in 0..<count {
          guard let record = records[row] else {
            (values + row * width).initializeMemory(as: UInt8.self, repeating: 0, count: width)
            continue
          }
          (values + row * width).copyMemory(from: record + column.offset, byteCount: width)
        }
      case .bytes: try readTexts(column, records, count, index, target)
      }
    }
  }

  @inline(__always)  // Specialises the loop for the width.
  private func gather<Value: FixedWidthInteger & BitwiseCopyable>(
    _ records: UnsafePointer<Address?>, _ count: Int, _ offset: Int, _ target: UnsafeMutableRawPointer, _: Value.Type
  ) {
    let target = target.assumingMemoryBound(to: Value.self)
    for row in 0..<count { target[row] = records[row]?.load(fromByteOffset: offset, as: Value.self) ?? 0 }
  }

  private func readNulls(
    _ column: Column, _ records: UnsafePointer<Address?>, _ count: Int, _ target: UnsafeMutableRawPointer
  ) {
    guard let bit = column.nullBit else {
      Self.fill(target, count) { _ in true }
      return
    }
    let offset = nullOffset + bit / 64 * 8
    let mask: UInt64 = 1 << UInt64(bit % 64)
    Self.fill(target, count) { row in
      guard let record = records[row] else { return false }
      return record.load(fromByteOffset: offset, as: UInt64.self) & mask == 0
    }
  }

  private func readTexts(
    _ column: Column, _ records: UnsafePointer<Address?>, _ count: Int, _ index: Int, _ target: LendingColumns
  ) throws(Failure) {
    let offsets = target.values(index).assumingMemoryBound(to: Int32.self)
    var total = 0
    offsets[0] = 0
    for row in 0..<count {
      if let record = records[row] {
        total += Int(record.load(fromByteOffset: column.offset, as: UInt32.self))
      }
      guard total <= Int(Int32.max) else {
        throw Failure(
          .data,
          "the column '\(column.field.name)' of \(count) values takes 2 GiB or more, which no batch holds; read fewer at a time, or "
            + "keep less")
      }
      offsets[row + 1] = Int32(total)
    }
    let bytes = target.bytes(index, total)
    for row in 0..<count {
      guard let record = records[row] else { continue }
      let text = Self.text(record + column.offset)
      if let source = text.baseAddress { (bytes + Int(offsets[row])).copyMemory(from: source, byteCount: text.count) }
    }
  }

  @inline(__always)  // Specialises the loop for the closure, which is then no call.
  private static func fill(_ target: UnsafeMutableRawPointer, _ count: Int, _ bit: (Int) -> Bool) {
    var row = 0
    while row < count {
      var word: UInt64 = 0
      let step = min(64, count - row)
      for index in 0..<step where bit(row + index) { word |= 1 << UInt64(index) }
      target.storeBytes(of: word.littleEndian, toByteOffset: row / 8, as: UInt64.self)
      row += step
    }
  }

  // MARK: Texts

  /// The bytes of a text.
  @inline(__always)  // A part of loops over rows.
  static func text(_ place: Address) -> UnsafeRawBufferPointer {
    let count = Int(place.load(as: UInt32.self))
    guard count > inlineByteCount else { return UnsafeRawBufferPointer(start: place + 4, count: count) }
    return UnsafeRawBufferPointer(start: place.load(fromByteOffset: 8, as: UnsafeRawPointer.self), count: count)
  }

  /// Writes a text where there is none.
  static func putText(
    _ text: UnsafeRawBufferPointer, at place: Address, _ blocks: BlockArena
  ) throws(Failure) {
    guard let source = text.baseAddress, text.count > 0 else { return }
    if text.count <= inlineByteCount {
      (place + 4).copyMemory(from: source, byteCount: text.count)
    } else {
      let block = try blocks.allocate(text.count)
      block.copyMemory(from: source, byteCount: text.count)
      place.storeBytes(of: block, toByteOffset: 8, as: UnsafeMutableRawPointer.self)
    }
    place.storeBytes(of: UInt32(text.count), as: UInt32.self)
  }

  /// Frees a text; there is none then.
  @inline(__always)  // A test for most.
  static func freeText(_ place: Address, _ blocks: BlockArena) {
    let count = Int(place.load(as: UInt32.self))
    if count > inlineByteCount {
      blocks.free(place.load(fromByteOffset: 8, as: UnsafeMutableRawPointer.self), count)
    }
    place.storeBytes(of: 0, as: UInt32.self)
  }

  /// Frees what the texts of a record own.
  func freeTexts(_ record: Address, _ blocks: BlockArena) {
    guard ownsBlocks else { return }
    for column in columns { if case .bytes = column.form { Self.freeText(record + column.offset, blocks) } }
  }

  /// Forgets the texts of a record, whose blocks belong to a copy of it now.
  func disownTexts(_ record: Address) {
    guard ownsBlocks else { return }
    for column in columns {
      if case .bytes = column.form { record.storeBytes(of: 0, toByteOffset: column.offset, as: UInt32.self) }
    }
  }
}
