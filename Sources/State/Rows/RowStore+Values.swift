extension RowStore {
  /// The bytes of one value of a row, nil for a null: of a fixed width as they lie in memory (a boolean is a byte, 0 or 1), of text and bytes
  /// themselves. For comparing a few rows; `columns` reads many. Valid until the next change.
  ///
  /// - Parameter index: of a column whose values, or those that it names, are no structs, lists or maps.
  public func bytes(of number: UInt32, _ index: Int) -> UnsafeRawBufferPointer? {
    guard let row = entries.values[Int(number)].address else {
      preconditionFailure("a row that is asked for was not removed")
    }
    let field = layout.fields[index]
    let nulls = row.load(fromByteOffset: layout.bitsPlace + field.bit >> 3, as: UInt8.self)
    if nulls &>> UInt8(field.bit & 7) & 1 != 0 { return nil }
    switch field.kind {
    case .none: return nil
    case .bit: return UnsafeRawBufferPointer(start: row + field.place, count: 1)
    case .fixed(let width): return UnsafeRawBufferPointer(start: row + field.place, count: width)
    case .bytes(let former):
      let start = former.map { Int(row.loadUnaligned(fromByteOffset: $0, as: UInt32.self)) } ?? layout.fixedSize
      let end = Int(row.loadUnaligned(fromByteOffset: field.place, as: UInt32.self))
      return UnsafeRawBufferPointer(start: row + start, count: end - start)
    case .record: preconditionFailure("a struct is no single value")
    }
  }
}
