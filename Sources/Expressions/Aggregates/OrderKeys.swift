import Arrow
import VolleyPlan

/// Values of at most 64 bits as Int64 keys of which the least comes first: of a descending order the greatest value has the
/// least key. Equal values have equal keys; a NaN comes behind all numbers in both directions.
public struct OrderKeys: Sendable {
  private let descending: Bool

  public init(descending: Bool) { self.descending = descending }

  /// Whether values of that type have such keys.
  public static func takes(_ type: DataType) -> Bool { OrderedColumn.hasKeys(PlainColumn.type(type)) }

  /// An int64 column of the keys, without the nulls, beside which there is some key.
  public func keys(_ column: Column) -> Column {
    let column = PlainColumn.make(column)
    let keys = OrderedColumn.keys(column)
    guard descending else { return keys }
    let isFloat = [.float16, .float32, .float64].contains(column.type)
    let nan = Int64(bitPattern: Double.nan.bitPattern)
    if !isFloat { return NumberColumn.convert(keys, .int64) { (key: Int64) in ~key } }
    return NumberColumn.convert(keys, .int64) { (key: Int64) in key == nan ? .max : ~key }
  }
}
