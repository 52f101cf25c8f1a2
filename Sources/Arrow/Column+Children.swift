import VolleyPlan

extension Column {
  /// Child `index` of a `record` column, of this column's rows.
  public func field(_ index: Int) -> Column { children[index].slice(offset..<(offset + length)) }

  /// The items of this column's rows, one after the other, of a list of any layout.
  public var items: Column { children[0].slice(itemRange(0..<length)) }

  /// Where the items of these rows lie in the child of a list of any layout.
  public func itemRange(_ rows: Range<Int>) -> Range<Int> {
    switch type.layout {
    case .list32:
      // An empty column may come with an empty buffer of offsets.
      if rows.isEmpty { return 0..<0 }
      return Int(offsets32[rows.lowerBound])..<Int(offsets32[rows.upperBound])
    case .list64:
      if rows.isEmpty { return 0..<0 }
      return Int(offsets64[rows.lowerBound])..<Int(offsets64[rows.upperBound])
    case .fixedList(let size): return ((offset + rows.lowerBound) * size)..<((offset + rows.upperBound) * size)
    default: preconditionFailure("a \(type) has no items")
    }
  }

  /// The index of a row of a `dictionary` column; undefined for a null.
  public func dictionaryIndex(_ row: Int) -> Int {
    guard case .dictionary(let index, _, _) = type else { preconditionFailure("a \(type) has no dictionary") }
    return switch index {
    case .int8: Int(values(Int8.self)[row])
    case .int16: Int(values(Int16.self)[row])
    case .int32: Int(values(Int32.self)[row])
    case .int64: Int(values(Int64.self)[row])
    case .uint8: Int(values(UInt8.self)[row])
    case .uint16: Int(values(UInt16.self)[row])
    case .uint32: Int(values(UInt32.self)[row])
    case .uint64: Int(truncatingIfNeeded: values(UInt64.self)[row])
    default: preconditionFailure("the indices of a dictionary are integers")
    }
  }

  /// The bytes of a row of a text or binary column of any layout, fixed width included; undefined for a null. Valid while
  /// the column's buffers are alive; an inline view's bytes lie in the buffer of views.
  public func bytes(at row: Int) -> UnsafeBufferPointer<UInt8> {
    switch type.layout {
    case .variable32: return utf8(at: row)
    case .variable64:
      let start = Int(offsets64[row])
      return UnsafeBufferPointer(start: bytes + start, count: Int(offsets64[row + 1]) - start)
    case .view:
      let view = views + row
      let count = Int(view.pointee.length)
      if view.pointee.isInline {
        let start = UnsafeRawPointer(view).assumingMemoryBound(to: UInt8.self) + 4
        return UnsafeBufferPointer(start: start, count: count)
      }
      let buffer = buffers[1 + Int(view.pointee.bufferIndex)]
      return UnsafeBufferPointer(start: buffer.values(UInt8.self) + Int(view.pointee.bufferOffset), count: count)
    case .fixed(let width):
      return UnsafeBufferPointer(start: buffers[0].values(UInt8.self) + (offset + row) * width, count: width)
    default: preconditionFailure("a \(type) is not bytes")
    }
  }
}
