import VolleyPlan

extension ColumnCheck {
  func views(_ column: inout Column, _ path: String) throws(ColumnFault) {
    try size(
      column.buffers[0], (column.offset + column.length) * MemoryLayout<BinaryView>.size, "buffer of views", path)
    let buffers = column.buffers.dropFirst().map { UnsafeRawBufferPointer(start: $0.address, count: $0.byteCount) }
    let views = column.views
    var viewed = text && column.type.isText ? ViewedText(buffers, views, count: column.length) : nil
    let checksText = viewed != nil
    var hasStrays = false
    for row in 0..<column.length {
      // Most views: short, and of ASCII or not to be looked at.
      let view = views[row]
      if view.length >= 0, view.isInline, !checksText || view.isInlineASCII { continue }
      guard let stray = Self.stray(views + row, buffers, &viewed) else { continue }
      guard !column.isValid(row) else { throw ColumnFault(path, Self.sentence(stray, views[row], row, column)) }
      hasStrays = true
    }
    if hasStrays { clearNullViews(&column) }
  }

  /// What is wrong with a view.
  private enum Stray {
    case length
    case buffer
    case range
    case prefix
    /// From that byte on.
    case text(Int)
    /// Shown too often.
    case repeated
  }

  private static func stray(
    _ view: UnsafePointer<BinaryView>, _ buffers: [UnsafeRawBufferPointer], _ viewed: inout ViewedText?
  ) -> Stray? {
    let length = Int(view.pointee.length)
    guard length >= 0 else { return .length }
    if view.pointee.isInline {
      guard viewed != nil else { return nil }
      let value = UnsafeRawBufferPointer(start: UnsafeRawPointer(view) + 4, count: length)
      return Utf8.firstInvalid(value).map { .text($0) }
    }
    let index = Int(view.pointee.bufferIndex)
    let start = Int(view.pointee.bufferOffset)
    guard index >= 0, index < buffers.count else { return .buffer }
    let buffer = buffers[index]
    guard start >= 0, start + length <= buffer.count else { return .range }
    guard buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self) == view.pointee.prefix else { return .prefix }
    switch viewed?.check(index, start, length) {
    case .invalid(let byte): return .text(byte)
    case .tooMany: return .repeated
    case .valid, nil: return nil
    }
  }

  private static func sentence(_ stray: Stray, _ view: BinaryView, _ row: Int, _ column: Column) -> String {
    switch stray {
    case .length: "has a view of \(view.length) bytes in row \(row)"
    case .buffer: "has a view into buffer \(view.bufferIndex) in row \(row), and \(column.buffers.count - 1) buffers"
    case .range:
      "has a view of \(view.length) bytes from byte \(view.bufferOffset) on in row \(row), of a buffer of "
        + "\(column.buffers[1 + Int(view.bufferIndex)].byteCount)"
    case .prefix: "has a view in row \(row) that does not repeat the first four bytes of its value"
    case .text(let byte): notText(row, byte)
    case .repeated: "has views that show the same bytes, which are not text throughout, very often, up to row \(row)"
    }
  }

  private func clearNullViews(_ column: inout Column) {
    let end = column.offset + column.length
    let copy = Buffer(byteCount: end * MemoryLayout<BinaryView>.size)
    copy.unsafeMutableAddress.copyMemory(from: column.buffers[0].address, byteCount: copy.byteCount)
    let views = copy.unsafeMutableValues(BinaryView.self) + column.offset
    let empty = BinaryView(UnsafeBufferPointer(start: nil, count: 0), buffer: 0, offset: 0)
    for row in 0..<column.length where !column.isValid(row) { views[row] = empty }
    column.buffers[0] = copy
  }
}

extension BinaryView {
  /// Whether none of the twelve bytes in the view itself is above 127.
  fileprivate var isInlineASCII: Bool {
    (prefix | UInt32(bitPattern: bufferIndex) | UInt32(bitPattern: bufferOffset)) & 0x8080_8080 == 0
  }
}
