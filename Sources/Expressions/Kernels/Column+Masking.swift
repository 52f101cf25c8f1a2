import Arrow

extension Column {
  /// The same rows, null where the words have no bit as well.
  func masked(by words: Words) -> Column {
    var column = self
    let own = Bits(validityOf: self)
    if offset == 0 {
      column.validity = Words(count: length) { words.words[$0 >> 6] & (own?.word($0, $1) ?? .max) }.buffer
      return column
    }
    // The bits of the rows before stay out of sight, as the rows do.
    let shifted = Buffer(byteCount: Bitmap.paddedByteCount(offset + length))
    Bitmap.fill(shifted.unsafeMutableAddress, 0, count: offset, false)
    let both = Words(count: length) { words.words[$0 >> 6] & (own?.word($0, $1) ?? .max) }
    Bitmap.copy(both.buffer.address, 0, count: length, to: shifted.unsafeMutableAddress, offset)
    column.validity = shifted
    return column
  }

  /// The same rows, null where another column is as well.
  func withNulls(of other: Column) -> Column {
    guard let validity = Bits(validityOf: other) else { return self }
    return masked(by: Words(count: length) { validity.word($0, $1) })
  }
}
