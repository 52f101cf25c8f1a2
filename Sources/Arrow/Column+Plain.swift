import Base
import VolleyPlan

extension Column {
  /// The rows of a `dictionary` column as values of its value type, or of that one's if it is a dictionary too; other
  /// columns as they are.
  ///
  /// - Throws: a `data` failure when the values repeated take more bytes than a column has room for.
  public func decoded() throws(Failure) -> Column {
    guard case .dictionary(_, let value, _) = type else { return self }
    let dictionary = children[0]
    if dictionary.length == 0 { return try Column.nulls(value, count: length).decoded() }
    let rows = Buffer(byteCount: length * 4)
    let target = rows.unsafeMutableValues(UInt32.self)
    for row in 0..<length { target[row] = isValid(row) ? UInt32(truncatingIfNeeded: dictionaryIndex(row)) : 0 }
    if case .variable32 = dictionary.type.layout {
      var total = 0
      for row in 0..<length {
        total += Int(dictionary.offsets32[Int(target[row]) + 1] - dictionary.offsets32[Int(target[row])])
      }
      guard total <= Int(Int32.max) else {
        throw Failure(
          .data,
          "the \(length) rows of a dictionary column take \(total) bytes as \(value), and 2147483647 fit; "
            + "lower --batch-rows")
      }
    }
    var column = dictionary.gather(rows.values(UInt32.self), count: length)
    guard let validity else { return try column.decoded() }
    let bits = Buffer(byteCount: Bitmap.paddedByteCount(length))
    Bitmap.copy(validity.address, offset, count: length, to: bits.unsafeMutableAddress, 0)
    if let own = column.validity {
      for row in 0..<length where !Bitmap.get(own.address, column.offset + row) {
        Bitmap.set(bits.unsafeMutableAddress, row, false)
      }
    }
    column.validity = bits
    return try column.decoded()
  }

  /// Text or bytes of any layout in the one with 32-bit offsets, as utf8 or binary; other columns as they are.
  ///
  /// - Throws: a `data` failure when there are 2 GiB or more.
  public func narrowed() throws(Failure) -> Column {
    let target: DataType
    switch type {
    case .largeUtf8, .utf8View: target = .utf8
    case .largeBinary, .binaryView: target = .binary
    default: return self
    }
    let builder = Utf8Builder(target, capacity: length)
    for row in 0..<length {
      guard isValid(row) else {
        builder.appendNull()
        continue
      }
      let bytes = bytes(at: row)
      guard builder.hasRoom(for: bytes.count) else {
        throw Failure(
          .data, "\(length) rows of \(type) take 2 GiB or more, which does not fit \(target); lower --batch-rows")
      }
      builder.append(bytes)
    }
    return builder.finish()
  }
}
