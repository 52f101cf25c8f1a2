import Arrow

/// The hash of a record's key: what decides its key group. A function of the key's values and their types only, whatever else a batch
/// holds, and the same in every version.
///
/// A key of one column: XXH3 of the value's bytes, least significant first (a bool is one byte, a string its UTF-8, a decimal its
/// unscaled integer of 16 bytes, `-0.0` is `0.0`, every NaN is the same one); null hashes to `nullHash`. A key of several columns:
/// XXH3 of its `KeyEncoding`.
public enum KeyHasher {
  /// XXH3 of "volley null".
  public static let nullHash: UInt64 = 0xAE1C_7245_9F4E_F99D

  /// Hashes rows 0 ..< `rows` of the key columns.
  ///
  /// - Parameters:
  ///   - columns: at least one, each of at least `rows` rows, plain: see `KeyColumn.plain`.
  ///   - hashes: room for `rows` hashes.
  public static func hash(columns: [Column], rows: Int, into hashes: UnsafeMutablePointer<UInt64>) {
    precondition(!columns.isEmpty, "a key has a column")
    for column in columns { precondition(column.length >= rows, "key columns have a value for each row") }
    guard columns.count == 1 else {
      let keys = KeyEncoding.encode(columns: columns, rows: rows)
      let offsets = keys.offsets
      for row in 0..<rows {
        hashes[row] = XXH3.hash64(keys.bytes + Int(offsets[row]), count: Int(offsets[row + 1] - offsets[row]))
      }
      return
    }
    let column = columns[0]
    switch KeyForm(column.type) {
    case .bool:
      let ofFalse = XXH3.hash64(UInt8(0))
      let ofTrue = XXH3.hash64(UInt8(1))
      for row in 0..<rows { hashes[row] = column.bit(row) ? ofTrue : ofFalse }
    case .int8, .uint8:
      let values = column.values(UInt8.self)
      for row in 0..<rows { hashes[row] = XXH3.hash64(values[row]) }
    case .int16, .uint16: hashBytes(column.buffers[0].address + column.offset * 2, 2, rows, hashes)
    case .int32, .uint32: hash(column.values(UInt32.self), rows, hashes)
    case .int64, .uint64: hash(column.values(UInt64.self), rows, hashes)
    case .float16:
      let values = column.values(Float16.self)
      for row in 0..<rows {
        withUnsafeBytes(of: KeyForm.bits(values[row]).littleEndian) { hashes[row] = XXH3.hash64($0) }
      }
    case .float32:
      let values = column.values(Float.self)
      for row in 0..<rows { hashes[row] = XXH3.hash64(KeyForm.bits(values[row])) }
    case .float64: hash(column.values(Double.self), rows, hashes)
    case .int128: hashBytes(column.buffers[0].address + column.offset * 16, 16, rows, hashes)
    case .bytes: hash(column.offsets32, column.bytes, rows, hashes)
    case .fixedBytes(let width): hashBytes(column.buffers[0].address + column.offset * width, width, rows, hashes)
    case .null: hashes.update(repeating: nullHash, count: rows)
    }
    if let validity = column.validity { markNulls(validity.address, column.offset, rows, hashes) }
  }

  private static func hash(_ values: UnsafePointer<UInt64>, _ rows: Int, _ hashes: UnsafeMutablePointer<UInt64>) {
    for row in 0..<rows { hashes[row] = XXH3.hash64(values[row]) }
  }

  private static func hash(_ values: UnsafePointer<UInt32>, _ rows: Int, _ hashes: UnsafeMutablePointer<UInt64>) {
    for row in 0..<rows { hashes[row] = XXH3.hash64(values[row]) }
  }

  private static func hash(_ values: UnsafePointer<Double>, _ rows: Int, _ hashes: UnsafeMutablePointer<UInt64>) {
    for row in 0..<rows { hashes[row] = XXH3.hash64(KeyForm.bits(values[row])) }
  }

  private static func hash(
    _ offsets: UnsafePointer<Int32>, _ bytes: UnsafePointer<UInt8>, _ rows: Int,
    _ hashes: UnsafeMutablePointer<UInt64>
  ) {
    for row in 0..<rows {
      hashes[row] = XXH3.hash64(bytes + Int(offsets[row]), count: Int(offsets[row + 1] - offsets[row]))
    }
  }

  private static func hashBytes(
    _ bytes: UnsafeRawPointer, _ width: Int, _ rows: Int, _ hashes: UnsafeMutablePointer<UInt64>
  ) {
    for row in 0..<rows { hashes[row] = XXH3.hash64(bytes + row * width, count: width) }
  }

  /// The value beside a null is undefined, and so is the hash that was made of it.
  private static func markNulls(
    _ validity: UnsafeRawPointer, _ offset: Int, _ rows: Int, _ hashes: UnsafeMutablePointer<UInt64>
  ) {
    var start = 0
    while start < rows {
      let step = min(64, rows - start)
      let all: UInt64 = step == 64 ? .max : (1 << UInt64(step)) - 1
      var nulls = Bitmap.word(validity, offset + start, count: step) ^ all
      while nulls != 0 {
        hashes[start + nulls.trailingZeroBitCount] = nullHash
        nulls &= nulls - 1
      }
      start += step
    }
  }
}
