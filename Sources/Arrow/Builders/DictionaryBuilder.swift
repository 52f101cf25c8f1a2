import VolleyPlan

/// Builds a dictionary column: values are given as they are, and each distinct one is kept once. One thread at a time.
public final class DictionaryBuilder: RowBuilder {
  public let type: DataType
  private let indices: ColumnBuilder
  private let values: ColumnBuilder
  private var known: [Literal: Int] = [:]

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    guard case .dictionary(let index, let value, _) = type else { preconditionFailure("a \(type) has no dictionary") }
    self.type = type
    indices = ColumnBuilder(index, capacity: capacity)
    values = ColumnBuilder(value)
  }

  public var count: Int { indices.count }

  /// A value of the dictionary's value type.
  ///
  /// - Precondition: the index type counts all distinct values.
  public func append(_ value: Literal) {
    let index = known[value] ?? values.count
    if index == values.count {
      values.append(value)
      known[value] = index
    }
    indices.append(.integer(Int128(index), indices.type))
  }

  public func appendNulls(_ count: Int) { indices.appendNulls(count) }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, type.layout)
    for row in range {
      let index = column.isValid(row) ? column.dictionaryIndex(row) : 0
      if column.isValid(row), column.children[0].isValid(index) {
        append(column.children[0].literal(at: index))
      } else {
        appendNulls(1)
      }
    }
  }

  /// Values that no row names any more stay in the dictionary.
  public func truncate(to count: Int) { indices.truncate(to: count) }

  public func finish() -> Column {
    let rows = indices.finish()
    known = [:]
    return Column(
      type: type, length: rows.length, validity: rows.validity, buffers: rows.buffers, children: [values.finish()])
  }
}
