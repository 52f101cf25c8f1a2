import Arrow
import Base
import VolleyPlan

/// Text and bytes in other layouts. Memory is shared where the layouts allow it: only offsets or views are made.
///
/// Bytes become text when they are UTF-8, and values of a fixed width when they have that width.
enum BytesCasts {
  static func cast(_ column: Column, to target: DataType, _ policy: FailurePolicy) throws(Failure) -> Column {
    var column = column
    if target.isText, !column.type.isText { column = try checkedText(column, target, policy) }
    switch (column.type.layout, target.layout) {
    case (let source, let layout) where source == layout: return column.relabelled(target)
    case (_, .fixed(let width)): return try fixed(column, width, target, policy)
    case (.variable32, .variable64): return widened(column, target)
    case (.variable64, .variable32): return try narrowed(column, target)
    case (.variable32, .view): return viewed(column, target)
    case (.fixed(let width), .variable32):
      return try narrowed(spaced(column, width), target)
    case (.fixed(let width), .variable64): return spaced(column, width).relabelled(target)
    case (.view, .variable32): return try column.narrowed().relabelled(target)
    default:
      // By way of 32-bit offsets, which every other layout goes to and comes from.
      return try cast(try cast(column, to: .binary, policy), to: relabelling(target), policy).relabelled(target)
    }
  }

  /// The type of bytes with the target's layout, so that text is not checked twice.
  private static func relabelling(_ target: DataType) -> DataType {
    switch target {
    case .largeUtf8: .largeBinary
    case .utf8View: .binaryView
    case .utf8: .binary
    default: target
    }
  }

  /// Fails for rows that are no UTF-8.
  private static func checkedText(
    _ column: Column, _ target: DataType, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    var column = column
    var failed = false
    for row in 0..<column.length
    where column.isValid(row) && !Utf8.isValid(UnsafeRawBufferPointer(column.bytes(at: row))) {
      failed = true
      break
    }
    if failed {
      let rows = column
      // The result's rows are counted from 0, so the column's must be.
      column.validity = try policy.settle(commonValidity([rows], count: rows.length), count: rows.length) { row in
        !rows.isValid(row) || Utf8.isValid(UnsafeRawBufferPointer(rows.bytes(at: row)))
      } failure: { row in
        let bytes = Literal.binary(Array(rows.bytes(at: row)), .binary).text
        return Failure(
          .data,
          "cast: the bytes \(bytes.prefix(62)) are no UTF-8, which \(target) is; "
            + "keep such rows out with a filter or a case")
      }
      if column.offset > 0, let validity = column.validity {
        let moved = Words(repeating: true, count: column.offset + column.length)
        Bitmap.copy(validity.address, 0, count: column.length, to: moved.buffer.unsafeMutableAddress, column.offset)
        column.validity = moved.buffer
      }
    }
    return column
  }

  /// 64-bit offsets into the same bytes.
  private static func widened(_ column: Column, _ target: DataType) -> Column {
    let offsets = Buffer(byteCount: (column.length + 1) * 8)
    let ends = offsets.unsafeMutableValues(Int64.self)
    if column.length == 0 {
      ends[0] = 0
    } else {
      let source = column.offsets32
      for row in 0...column.length { ends[row] = Int64(source[row]) }
    }
    return variable(column, target, offsets, column.buffers[1])
  }

  /// 32-bit offsets into the same bytes, from the first row's on.
  private static func narrowed(_ column: Column, _ target: DataType) throws(Failure) -> Column {
    let offsets = Buffer(byteCount: (column.length + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    guard column.length > 0 else {
      ends[0] = 0
      return variable(column, target, offsets, Buffer(byteCount: 0))
    }
    let source = column.offsets64
    let (start, end) = (source[0], source[column.length])
    guard end - start <= Int64(Int32.max) else { throw tooLong(column, Int(end - start)) }
    for row in 0...column.length { ends[row] = Int32(truncatingIfNeeded: source[row] &- start) }
    let all = column.buffers[1]
    let bytes =
      start == 0 ? all : Buffer(foreign: all.address + Int(start), byteCount: Int(end - start), owner: all)
    return variable(column, target, offsets, bytes)
  }

  private static func variable(_ column: Column, _ target: DataType, _ offsets: Buffer, _ bytes: Buffer) -> Column {
    Column(
      type: target, length: column.length, validity: commonValidity([column], count: column.length),
      buffers: [offsets, bytes])
  }

  private static func tooLong(_ column: Column, _ bytes: Int) -> Failure {
    Failure(
      .data,
      "cast: the \(column.length) values of a batch take \(bytes) bytes, and 2147483647 fit; "
        + "use smaller batches (--batch-rows)")
  }

  /// Values of a fixed width as ones with 64-bit offsets into the same bytes.
  private static func spaced(_ column: Column, _ width: Int) -> Column {
    let offsets = Buffer(byteCount: (column.length + 1) * 8)
    let ends = offsets.unsafeMutableValues(Int64.self)
    for row in 0...column.length { ends[row] = Int64((column.offset + row) * width) }
    return variable(column, .largeBinary, offsets, column.buffers[0])
  }

  /// Views into the same bytes.
  private static func viewed(_ column: Column, _ target: DataType) -> Column {
    let views = Buffer(byteCount: column.length * 16)
    let target32 = views.unsafeMutableValues(BinaryView.self)
    let input = TextInput(column)
    for row in 0..<column.length {
      let isValid = column.isValid(row)
      let bytes = isValid ? input[row] : UnsafeBufferPointer(start: nil, count: 0)
      target32[row] = BinaryView(bytes, buffer: 0, offset: isValid ? Int(input.offsets[row]) : 0)
    }
    return Column(
      type: target, length: column.length, validity: commonValidity([column], count: column.length),
      buffers: [views, column.buffers[1]])
  }

  private static func fixed(
    _ column: Column, _ width: Int, _ target: DataType, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: column.length * width)
    let start = buffer.unsafeMutableAddress
    start.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.byteCount)
    var failed = false
    for row in 0..<column.length where column.isValid(row) {
      let value = column.bytes(at: row)
      if value.count != width {
        failed = true
      } else if let bytes = value.baseAddress {
        (start + row * width).copyMemory(from: bytes, byteCount: width)
      }
    }
    var result = column.replacing(values: buffer, type: target)
    if failed {
      result.validity = try policy.settle(result.validity, count: column.length) { row in
        !column.isValid(row) || column.bytes(at: row).count == width
      } failure: { row in
        let found = column.bytes(at: row).count
        return Failure(
          .data,
          "cast: a value of \(count(found, "byte")) does not fit \(target), whose values have \(width); "
            + "keep such rows out with a filter or a case")
      }
    }
    return result
  }
}
