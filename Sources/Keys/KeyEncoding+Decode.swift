import Arrow
import Base
import VolleyPlan

extension KeyEncoding {
  /// The columns of encoded keys, each of its type: a dictionary, or text in another layout, is made again.
  ///
  /// - Throws: a `data` failure when the bytes are no keys of these types, a dictionary's indices do not count all the values of its
  ///   column, or the text of a column would take 2 GiB or more.
  public static func decode(_ keys: EncodedKeys, types: [DataType]) throws(Failure) -> [Column] {
    let reader = KeyReader(keys)
    var columns: [Column] = []
    columns.reserveCapacity(types.count)
    for type in types {
      let plain = try reader.read(KeyColumn.plainType(type))
      columns.append(try KeyColumn.restored(plain, as: type))
    }
    try reader.end()
    return columns
  }
}

/// Reads encoded keys column by column, all keys' values of one before those of the next.
private final class KeyReader {
  private let keys: EncodedKeys
  private let count: Int
  private let bytes: UnsafePointer<UInt8>
  private let ends: UnsafePointer<Int64>
  /// How far each key is read.
  private let cursorBuffer: Buffer
  private let cursors: UnsafeMutablePointer<Int64>
  /// Bits of the rows of the column in hand that are not null.
  private var validity = Buffer(byteCount: 0)
  private var nullCount = 0

  init(_ keys: EncodedKeys) {
    self.keys = keys
    count = keys.count
    bytes = keys.bytes
    ends = keys.offsets + 1
    cursorBuffer = Buffer(byteCount: count * 8)
    cursors = cursorBuffer.unsafeMutableValues(Int64.self)
    cursors.update(from: keys.offsets, count: count)
  }

  func end() throws(Failure) {
    for row in 0..<count where cursors[row] != ends[row] {
      throw Failure(
        .data,
        "an encoded key goes on for \(ends[row] - cursors[row]) bytes after its last column; "
          + "the key's columns must be those it was written with")
    }
  }

  /// The next column.
  func read(_ type: DataType) throws(Failure) -> Column {
    validity = Buffer(byteCount: Bitmap.paddedByteCount(count))
    Bitmap.fill(validity.unsafeMutableAddress, 0, count: count, true)
    nullCount = 0
    let buffers: [Buffer]
    switch KeyForm(type) {
    case .bool: buffers = [try readBits(type)]
    case .int8: buffers = [try readValues(type, UInt8.self) { $0 ^ (1 << 7) }]
    case .int16: buffers = [try readValues(type, UInt16.self) { $0 ^ (1 << 15) }]
    case .int32: buffers = [try readValues(type, UInt32.self) { $0 ^ (1 << 31) }]
    case .int64: buffers = [try readValues(type, UInt64.self) { $0 ^ (1 << 63) }]
    case .int128: buffers = [try readValues(type, UInt128.self) { $0 ^ (1 << 127) }]
    case .uint8: buffers = [try readValues(type, UInt8.self) { $0 }]
    case .uint16: buffers = [try readValues(type, UInt16.self) { $0 }]
    case .uint32: buffers = [try readValues(type, UInt32.self) { $0 }]
    case .uint64: buffers = [try readValues(type, UInt64.self) { $0 }]
    case .float16: buffers = [try readValues(type, UInt16.self, Self.unordered)]
    case .float32: buffers = [try readValues(type, UInt32.self, Self.unordered)]
    case .float64: buffers = [try readValues(type, UInt64.self, Self.unordered)]
    case .bytes: buffers = try readStrings(type)
    case .fixedBytes(let width): buffers = [try readBytes(type, width)]
    case .null:
      for row in 0..<count where try readTag(row, type) { throw failure(row, type) }
      return Column(nullsOnly: count)
    }
    return Column(type: type, length: count, validity: nullCount == 0 ? nil : validity, buffers: buffers)
  }

  /// Whether a value follows.
  @inline(__always)  // A part of the loops over rows.
  private func readTag(_ row: Int, _ type: DataType) throws(Failure) -> Bool {
    let position = Int(cursors[row])
    guard position < Int(ends[row]), bytes[position] <= KeyEncoding.value else { throw failure(row, type) }
    cursors[row] += 1
    if bytes[position] == KeyEncoding.value { return true }
    Bitmap.set(validity.unsafeMutableAddress, row, false)
    nullCount += 1
    return false
  }

  /// Where the next `width` bytes of a key begin.
  @inline(__always)  // A part of the loops over rows.
  private func take(_ width: Int, _ row: Int, _ type: DataType) throws(Failure) -> UnsafePointer<UInt8> {
    let position = Int(cursors[row])
    guard Int(ends[row]) - position >= width else { throw failure(row, type) }
    cursors[row] += Int64(width)
    return bytes + position
  }

  @inline(__always)  // Specialises the loop for the closure, which is then no call.
  private func readValues<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ type: DataType, _: Bits.Type, _ decoded: (Bits) -> Bits
  ) throws(Failure) -> Buffer {
    let buffer = Buffer(byteCount: count * MemoryLayout<Bits>.size)
    let values = buffer.unsafeMutableValues(Bits.self)
    for row in 0..<count {
      guard try readTag(row, type) else {
        values[row] = 0
        continue
      }
      let source = UnsafeRawPointer(try take(MemoryLayout<Bits>.size, row, type))
      values[row] = decoded(Bits(bigEndian: source.loadUnaligned(as: Bits.self)))
    }
    return buffer
  }

  /// The bits of a float.
  @inline(__always)  // A part of the loop over rows.
  private static func unordered<Bits: FixedWidthInteger & UnsignedInteger>(_ bits: Bits) -> Bits {
    let sign: Bits = 1 << Bits(Bits.bitWidth - 1)
    return bits & sign != 0 ? bits ^ sign : ~bits
  }

  private func readBits(_ type: DataType) throws(Failure) -> Buffer {
    let bits = Buffer(byteCount: Bitmap.paddedByteCount(count))
    Bitmap.fill(bits.unsafeMutableAddress, 0, count: count, false)
    for row in 0..<count where try readTag(row, type) {
      let byte = try take(1, row, type)[0]
      guard byte <= 1 else { throw failure(row, type) }
      if byte == 1 { Bitmap.set(bits.unsafeMutableAddress, row, true) }
    }
    return bits
  }

  private func readBytes(_ type: DataType, _ width: Int) throws(Failure) -> Buffer {
    let buffer = Buffer(byteCount: count * width)
    for row in 0..<count {
      let target = buffer.unsafeMutableAddress + row * width
      if try readTag(row, type) {
        target.copyMemory(from: try take(width, row, type), byteCount: width)
      } else {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: width)
      }
    }
    return buffer
  }

  /// Offsets and bytes.
  private func readStrings(_ type: DataType) throws(Failure) -> [Buffer] {
    // No string is longer than its encoding.
    var room = 0
    for row in 0..<count { room += Int(ends[row] - cursors[row]) }
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let target = offsets.unsafeMutableValues(Int32.self)
    let strings = Buffer(byteCount: room)
    var end = 0
    target[0] = 0
    for row in 0..<count {
      if try readTag(row, type) {
        end += try readString(row, type, to: strings.unsafeMutableValues(UInt8.self) + end)
        guard end <= Int(Int32.max) else {
          throw Failure(
            .data,
            "the \(type) keys of \(count) rows take 2 GiB or more, which does not fit a column; lower --batch-rows")
        }
      }
      target[row + 1] = Int32(truncatingIfNeeded: end)
    }
    strings.setByteCount(end)
    return [offsets, strings]
  }

  /// Copies a string without its escapes and its end, and returns its length.
  private func readString(
    _ row: Int, _ type: DataType, to target: UnsafeMutablePointer<UInt8>
  ) throws(Failure) -> Int {
    var position = Int(cursors[row])
    let end = Int(ends[row])
    var length = 0
    while position + 1 < end {
      let byte = bytes[position]
      position += 1
      if byte == KeyEncoding.zero {
        let next = bytes[position]
        position += 1
        if next == KeyEncoding.zero {
          cursors[row] = Int64(position)
          return length
        }
        guard next == KeyEncoding.escapedZero else { break }
      }
      target[length] = byte
      length += 1
    }
    throw failure(row, type)
  }

  private func failure(_ row: Int, _ type: DataType) -> Failure {
    let start = row == 0 ? keys.offsets[0] : ends[row - 1]
    return Failure(
      .data,
      "an encoded key of \(ends[row] - start) bytes holds no \(type) at byte \(cursors[row] - start); "
        + "the key's columns must be those it was written with")
  }
}
