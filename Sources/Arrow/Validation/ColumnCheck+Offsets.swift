import VolleyPlan

extension ColumnCheck {
  /// Checks that `count + 1` offsets never fall, that none is negative and none beyond `end`.
  ///
  /// - Parameters:
  ///   - end: how many bytes or items there are.
  ///   - unit: what the offsets count: "byte", "item".
  public static func offsets<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ offsets: UnsafePointer<Offset>, count: Int, end: Int, _ unit: String, _ path: String
  ) throws(ColumnFault) {
    // A difference of two offsets that are not negative does not overflow, so a sign bit anywhere means a fault.
    var signs = offsets[count]
    for row in 0..<count { signs |= offsets[row] | (offsets[row &+ 1] &- offsets[row]) }
    guard signs >= 0 else {
      for row in 0..<count where offsets[row] < 0 || offsets[row + 1] < offsets[row] {
        throw ColumnFault(
          path,
          "says that row \(row) is \(unit)s \(offsets[row]) to \(offsets[row + 1]); offsets must start at 0 or later and "
            + "never fall")
      }
      throw ColumnFault(path, "ends at \(unit) \(offsets[count]); offsets must never be negative")
    }
    guard offsets[count] <= end else {
      throw ColumnFault(path, "has rows up to \(unit) \(offsets[count]), and only \(end) \(unit)s")
    }
  }

  func strings<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ column: Column, _: Offset.Type, _ path: String
  ) throws(ColumnFault) {
    // A column without rows may come without offsets.
    if column.length == 0 { return }
    try size(
      column.buffers[0], (column.offset + column.length + 1) * MemoryLayout<Offset>.size, "buffer of offsets", path)
    let offsets = column.values(Offset.self)
    try Self.offsets(offsets, count: column.length, end: column.buffers[1].byteCount, "byte", path)
    if text, column.type.isText { try utf8(column, offsets, path) }
  }

  func items<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ column: Column, _: Offset.Type, _ path: String
  ) throws(ColumnFault) {
    if column.length == 0 { return }
    try size(
      column.buffers[0], (column.offset + column.length + 1) * MemoryLayout<Offset>.size, "buffer of offsets", path)
    try Self.offsets(
      column.values(Offset.self), count: column.length, end: column.children[0].length, "item", path)
  }

  /// Text is checked as one run of bytes, and then that no row begins within a character. Only when that finds
  /// something is it looked for row by row, because null rows may hold anything.
  private func utf8<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ column: Column, _ offsets: UnsafePointer<Offset>, _ path: String
  ) throws(ColumnFault) {
    let first = Int(offsets[0])
    let count = Int(offsets[column.length]) - first
    guard count > 0 else { return }
    let run = UnsafeRawBufferPointer(start: column.buffers[1].address + first, count: count)
    if Utf8.isASCII(run) { return }
    if Utf8.isValid(run) {
      var splits: UInt8 = 0
      for row in 1..<max(column.length, 1) {
        let start = Int(offsets[row]) - first
        // The end of the run is no byte of it.
        if start < count { splits |= Utf8.isContinuation(run[start]) ? 1 : 0 }
      }
      if splits == 0 { return }
    }
    for row in 0..<column.length where column.isValid(row) {
      let start = Int(offsets[row]) - first
      let value = UnsafeRawBufferPointer(rebasing: run[start..<(Int(offsets[row + 1]) - first)])
      if let invalid = Utf8.firstInvalid(value) { throw ColumnFault(path, Self.notText(row, invalid)) }
    }
  }

  static func notText(_ row: Int, _ byte: Int) -> String {
    "holds text that is not UTF-8 in row \(row), from byte \(byte) of the value on; write it as binary"
  }
}
