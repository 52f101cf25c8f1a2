import VolleyPlan

/// Builds a column whose values have a fixed width, row by row. One thread at a time.
public final class FixedBuilder<Element: BitwiseCopyable>: RowBuilder {
  public let type: DataType
  @usableFromInline @exclusivity(unchecked) var buffer: Buffer
  @usableFromInline @exclusivity(unchecked) var values: UnsafeMutablePointer<Element>
  /// Rows that fit.
  @usableFromInline @exclusivity(unchecked) var capacity: Int
  @usableFromInline @exclusivity(unchecked) var validity = GrowingValidity()

  /// - Parameters:
  ///   - type: a type whose values are as wide as `Element`.
  ///   - capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    precondition(
      type.layout == .fixed(width: MemoryLayout<Element>.size), "a \(type) is not as wide as a \(Element.self)")
    self.type = type
    buffer = Buffer(byteCount: capacity * MemoryLayout<Element>.stride)
    values = buffer.unsafeMutableValues(Element.self)
    self.capacity = buffer.capacity / MemoryLayout<Element>.stride
  }

  /// Rows so far.
  @inlinable
  public var count: Int { validity.count }

  @inlinable
  public func append(_ value: Element) {
    let index = count
    if index == capacity { grow(to: index + 1) }
    values[index] = value
    validity.appendValid()
  }

  public func appendNull() { appendNulls(1) }

  /// The bytes of a null's value are 0.
  public func appendNulls(_ added: Int) {
    let start = count
    if start + added > capacity { grow(to: start + added) }
    UnsafeMutableRawPointer(values + start).initializeMemory(
      as: UInt8.self, repeating: 0, count: added * MemoryLayout<Element>.stride)
    validity.appendNulls(added)
  }

  /// The value `count` times.
  public func append(_ value: Element, count added: Int) {
    appendUninitialized(added).update(repeating: value, count: added)
  }

  public func append(_ values: UnsafeBufferPointer<Element>) {
    guard let source = values.baseAddress else { return }
    appendUninitialized(values.count).update(from: source, count: values.count)
  }

  /// Room for `added` rows, none of them null, that the caller writes before the next call.
  public func appendUninitialized(_ added: Int) -> UnsafeMutablePointer<Element> {
    let start = count
    if start + added > capacity { grow(to: start + added) }
    validity.appendValid(added)
    return values + start
  }

  /// Rows `range` of a column as wide.
  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, type.layout)
    let start = count
    if start + range.count > capacity { grow(to: start + range.count) }
    (values + start).update(from: column.values(Element.self) + range.lowerBound, count: range.count)
    validity.append(column, from: range.lowerBound, count: range.count)
  }

  /// The value of a row; undefined for a null.
  public func value(at index: Int) -> Element { values[index] }

  /// Drops the rows from `count` on.
  public func truncate(to count: Int) { validity.truncate(to: count) }

  @usableFromInline
  @inline(never)
  func grow(to count: Int) {
    let old = buffer
    buffer = Buffer(byteCount: max(count * MemoryLayout<Element>.stride, old.capacity * 2))
    buffer.unsafeMutableAddress.copyMemory(
      from: old.address, byteCount: self.count * MemoryLayout<Element>.stride)
    values = buffer.unsafeMutableValues(Element.self)
    capacity = buffer.capacity / MemoryLayout<Element>.stride
  }

  /// The column; the builder is empty afterwards and can be used again.
  public func finish() -> Column {
    buffer.setByteCount(count * MemoryLayout<Element>.stride)
    let column = Column(type: type, length: count, validity: validity.finish(), buffers: [buffer])
    buffer = Buffer(byteCount: 0)
    values = buffer.unsafeMutableValues(Element.self)
    capacity = buffer.capacity / MemoryLayout<Element>.stride
    validity = GrowingValidity()
    return column
  }
}
