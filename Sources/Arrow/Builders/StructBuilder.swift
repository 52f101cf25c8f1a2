import Base
import VolleyPlan

/// Builds a column of structs: the caller appends one value to each of `fields` and ends the row. One thread at a time.
public final class StructBuilder: RowBuilder {
  public let type: DataType
  public let fields: [ColumnBuilder]
  private var validity = GrowingValidity()

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    guard case .struct(let fields) = type else { preconditionFailure("a \(type) is no struct") }
    self.type = type
    self.fields = fields.map { ColumnBuilder($0.type, capacity: capacity) }
  }

  public var count: Int { validity.count }

  /// Ends a row, of which each field has its value.
  public func endRow() {
    validity.appendValid()
    for field in fields { precondition(field.count == count, "each field of a struct has a value in each row") }
  }

  public func appendNulls(_ count: Int) {
    for field in fields { field.appendNulls(count) }
    validity.appendNulls(count)
  }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, .record)
    for (index, field) in fields.enumerated() { field.append(column.field(index), range) }
    validity.append(column, from: range.lowerBound, count: range.count)
  }

  public func truncate(to count: Int) {
    guard count < self.count else { return }
    for field in fields { field.truncate(to: count) }
    validity.truncate(to: count)
  }

  public func checkRoom() throws(Failure) { for field in fields { try field.checkRoom() } }

  public func finish() -> Column {
    let column = Column(
      type: type, length: count, validity: validity.finish(), buffers: [], children: fields.map { $0.finish() })
    validity = GrowingValidity()
    return column
  }
}
