import VolleyPlan

/// Builds a column of strings row by row. One thread at a time.
///
/// The strings of one column take less than 2 GiB: a builder of unbounded input asks `hasRoom(for:)` and finishes its
/// column when there is none.
public final class Utf8Builder: RowBuilder {
  public let type: DataType
  /// `count + 1` offsets.
  @usableFromInline @exclusivity(unchecked) var offsets: Buffer
  @usableFromInline @exclusivity(unchecked) var bytes: Buffer
  /// Bytes so far.
  @usableFromInline @exclusivity(unchecked) var end = 0
  @usableFromInline @exclusivity(unchecked) var validity = GrowingValidity()

  /// - Parameters:
  ///   - type: a type of the layout `variable32`.
  ///   - capacity: rows to make room for at first.
  ///   - byteCapacity: bytes to make room for at first.
  public init(_ type: DataType = .utf8, capacity: Int = 0, byteCapacity: Int = 0) {
    precondition(type.layout == .variable32, "a \(type) has no bytes of varying length")
    self.type = type
    offsets = Buffer(byteCount: (capacity + 1) * 4)
    offsets.unsafeMutableValues(Int32.self)[0] = 0
    bytes = Buffer(byteCount: byteCapacity)
  }

  /// Rows so far.
  @inlinable
  public var count: Int { validity.count }

  /// Bytes of all strings so far.
  @inlinable
  public var byteCount: Int { end }

  /// Whether a string of that many bytes still fits into the column.
  @inlinable
  public func hasRoom(for byteCount: Int) -> Bool { end + byteCount <= Int(Int32.max) }

  /// A string, as UTF-8. The bytes are not checked.
  @inlinable
  public func append(_ string: UnsafeBufferPointer<UInt8>) {
    let start = end
    reserve(string.count)
    if let source = string.baseAddress {
      (bytes.unsafeMutableAddress + start).copyMemory(from: source, byteCount: string.count)
    }
    close(start + string.count)
    validity.appendValid()
  }

  public func append(_ string: some StringProtocol) {
    let copied: Void? = string.utf8.withContiguousStorageIfAvailable { append($0) }
    if copied == nil { Array(string.utf8).withUnsafeBufferPointer { append($0) } }
  }

  /// The string `count` times.
  public func append(_ string: some StringProtocol, count: Int) { for _ in 0..<count { append(string) } }

  public func appendNull() { appendNulls(1) }

  public func appendNulls(_ count: Int) {
    for _ in 0..<count {
      reserve(0)
      close(end)
      validity.appendNull()
    }
  }

  /// Rows `range` of a column of strings.
  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, .variable32)
    guard !range.isEmpty else { return }
    let source = column.offsets32 + range.lowerBound
    let start = end
    let byteCount = Int(source[range.count] - source[0])
    reserve(byteCount)
    (bytes.unsafeMutableAddress + start).copyMemory(from: column.bytes + Int(source[0]), byteCount: byteCount)
    for row in 0..<range.count {
      if row > 0 { reserve(0) }
      close(start + Int(source[row + 1] - source[0]))
      validity.appendValid()
    }
    if column.validity != nil {
      validity.truncate(to: count - range.count)
      validity.append(column, from: range.lowerBound, count: range.count)
    }
  }

  /// Drops the rows from `count` on.
  public func truncate(to count: Int) {
    guard count < self.count else { return }
    end = Int(offsets.values(Int32.self)[count])
    validity.truncate(to: count)
  }

  /// Makes room for one more row of that many bytes.
  @inlinable
  func reserve(_ byteCount: Int) {
    precondition(hasRoom(for: byteCount), "the strings of one column take less than 2 GiB")
    if end + byteCount > bytes.capacity { bytes = Self.grown(bytes, used: end, to: end + byteCount) }
    if (count + 2) * 4 > offsets.capacity {
      offsets = Self.grown(offsets, used: (count + 1) * 4, to: (count + 2) * 4)
    }
  }

  /// Ends the next row at `end`.
  @inlinable
  func close(_ end: Int) {
    self.end = end
    offsets.unsafeMutableValues(Int32.self)[count + 1] = Int32(truncatingIfNeeded: end)  // `reserve` checked it.
  }

  @usableFromInline
  @inline(never)
  static func grown(_ old: Buffer, used: Int, to byteCount: Int) -> Buffer {
    let buffer = Buffer(byteCount: max(byteCount, old.capacity * 2))
    buffer.unsafeMutableAddress.copyMemory(from: old.address, byteCount: used)
    return buffer
  }

  /// The column; the builder is empty afterwards and can be used again.
  public func finish() -> Column {
    offsets.setByteCount((count + 1) * 4)
    bytes.setByteCount(end)
    let column = Column(type: type, length: count, validity: validity.finish(), buffers: [offsets, bytes])
    offsets = Buffer(byteCount: 4)
    offsets.unsafeMutableValues(Int32.self)[0] = 0
    bytes = Buffer(byteCount: 0)
    end = 0
    validity = GrowingValidity()
    return column
  }
}
