import Base
import VolleyPlan

/// Builds a dictionary column: values are given as they are, and each distinct one is kept once. One thread at a time.
///
/// Whoever adds values of other dictionaries, whose number together is not known, calls `checkRoom` before `finish`.
public final class DictionaryBuilder: RowBuilder {
  public let type: DataType
  private let indices: ColumnBuilder
  private let values: ColumnBuilder
  private var known: [Literal: Int] = [:]
  /// Values that the indices count.
  private let room: Int
  /// The first row whose value was one too many.
  private var rowWithoutRoom: Int?

  /// - Parameter capacity: rows to make room for at first.
  public init(_ type: DataType, capacity: Int = 0) {
    guard case .dictionary(let index, let value, _) = type else { preconditionFailure("a \(type) has no dictionary") }
    self.type = type
    room = index.dictionaryRoom
    indices = ColumnBuilder(index, capacity: capacity)
    values = ColumnBuilder(value)
  }

  public var count: Int { indices.count }

  /// A value of the dictionary's value type.
  public func append(_ value: Literal) { append(index: index(of: value)) }

  /// nil when there is no room for another value.
  private func index(of value: Literal) -> Int? {
    if let index = known[value] { return index }
    let index = values.count
    guard index < room else { return nil }
    values.append(value)
    known[value] = index
    return index
  }

  private func append(index: Int?) {
    if index == nil, rowWithoutRoom == nil { rowWithoutRoom = count }
    indices.append(.integer(Int128(index ?? 0), indices.type))
  }

  public func checkRoom() throws(Failure) {
    try values.checkRoom()
    guard rowWithoutRoom != nil else { return }
    throw Failure(
      .data,
      "\(count) rows of a column of \(type) have more than \(room) distinct values together, and the indices count no "
        + "more; cast it to \(values.type), or to a dictionary with wider indices")
  }

  public func appendNulls(_ count: Int) { indices.appendNulls(count) }

  public func append(_ column: Column, _ range: Range<Int>) {
    column.checkSource(range, type.layout)
    let source = column.children[0]
    // By index of the source, where each is expected more than once: its index here.
    var numbers = source.length <= range.count ? [Int](repeating: -1, count: source.length) : []
    for row in range {
      guard column.isValid(row) else {
        appendNulls(1)
        continue
      }
      let index = column.dictionaryIndex(row)
      guard source.isValid(index) else {
        appendNulls(1)
        continue
      }
      if !numbers.isEmpty, numbers[index] >= 0 {
        append(index: numbers[index])
        continue
      }
      let number = self.index(of: source.literal(at: index))
      if !numbers.isEmpty, let number { numbers[index] = number }
      append(index: number)
    }
  }

  /// Values that no row names any more stay in the dictionary.
  public func truncate(to count: Int) {
    indices.truncate(to: count)
    if let row = rowWithoutRoom, row >= count { rowWithoutRoom = nil }
  }

  /// - Precondition: the indices count all distinct values, as `checkRoom` says.
  public func finish() -> Column {
    precondition(rowWithoutRoom == nil, "the indices of a dictionary count its values")
    let rows = indices.finish()
    known = [:]
    return Column(
      type: type, length: rows.length, validity: rows.validity, buffers: rows.buffers, children: [values.finish()])
  }
}

extension DataType {
  /// Values that indices of this integer type count.
  var dictionaryRoom: Int {
    switch self {
    case .int8: 1 << 7
    case .uint8: 1 << 8
    case .int16: 1 << 15
    case .uint16: 1 << 16
    case .int32: 1 << 31
    default: 1 << 32  // Row indices are UInt32.
    }
  }
}
