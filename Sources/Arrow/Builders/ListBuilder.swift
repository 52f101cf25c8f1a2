import Base
import VolleyPlan

/// Builds a column of lists of any layout, and of maps: the caller appends a row's items to `items` and ends the row.
/// One thread at a time.
public final class ListBuilder: RowBuilder {
  public let type: DataType
  /// The items; of a map, structs of key and value.
  public let items: ColumnBuilder
  private let kind: Kind
  private var validity = GrowingValidity()

  private enum Kind {
    case offsets32(FixedBuilder<Int32>)
    case offsets64(FixedBuilder<Int64>)
    case fixed(size: Int)
  }

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    self.type = type
    items = ColumnBuilder(type.childFields[0].type)
    switch type.layout {
    case .list32:
      kind = .offsets32(FixedBuilder(.int32, capacity: capacity + 1))
    case .list64: kind = .offsets64(FixedBuilder(.int64, capacity: capacity + 1))
    case .fixedList(let size): kind = .fixed(size: size)
    default: preconditionFailure("a \(type) has no items")
    }
    markEnd()
  }

  public var count: Int { validity.count }

  /// Ends a row whose items were appended since the last one ended.
  public func endRow() {
    if case .fixed(let size) = kind {
      precondition(items.count == (count + 1) * size, "a row of \(type) has its type's number of items")
    }
    validity.appendValid()
    markEnd()
  }

  public func appendNulls(_ count: Int) {
    if case .fixed(let size) = kind { items.appendNulls(count * size) }
    validity.appendNulls(count)
    for _ in 0..<count { markEnd() }
  }

  /// Notes where the items end now: the start of the next row.
  private func markEnd() {
    switch kind {
    case .offsets32(let offsets):
      precondition(items.count <= Int(Int32.max), "the items of one column are fewer than 2^31")
      offsets.append(Int32(truncatingIfNeeded: items.count))
    case .offsets64(let offsets): offsets.append(Int64(items.count))
    case .fixed: break
    }
  }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, type.layout)
    for row in range {
      guard column.isValid(row) else {
        appendNulls(1)
        continue
      }
      items.append(column.children[0], column.itemRange(row..<(row + 1)))
      endRow()
    }
  }

  public func truncate(to count: Int) {
    guard count < self.count else { return }
    switch kind {
    case .offsets32(let offsets):
      offsets.truncate(to: count + 1)
      items.truncate(to: Int(offsets.value(at: count)))
    case .offsets64(let offsets):
      offsets.truncate(to: count + 1)
      items.truncate(to: Int(offsets.value(at: count)))
    case .fixed(let size): items.truncate(to: count * size)
    }
    validity.truncate(to: count)
  }

  public func checkRoom() throws(Failure) { try items.checkRoom() }

  public func finish() -> Column {
    let buffers: [Buffer] =
      switch kind {
      case .offsets32(let offsets): [offsets.finish().buffers[0]]
      case .offsets64(let offsets): [offsets.finish().buffers[0]]
      case .fixed: []
      }
    let column = Column(
      type: type, length: count, validity: validity.finish(), buffers: buffers, children: [items.finish()])
    validity = GrowingValidity()
    markEnd()
    return column
  }
}
