import Arrow
import Base
import VolleyPlan

extension KeyColumn {
  /// The type that `plain` gives a column of this type.
  public static func plainType(_ type: DataType) -> DataType {
    switch type {
    case .largeUtf8, .utf8View: .utf8
    case .largeBinary, .binaryView: .binary
    case .dictionary(_, let value, _): plainType(value)
    default: type
    }
  }

  /// The same values in the type's own layout: the reverse of `plain`.
  ///
  /// - Parameter column: of the type `plainType(type)`.
  /// - Throws: a `data` failure when a dictionary's indices do not count the values.
  public static func restored(_ column: Column, as type: DataType) throws(Failure) -> Column {
    switch type {
    case .largeUtf8, .largeBinary:
      let builder = LargeBytesBuilder(type, capacity: column.length)
      return restored(column, builder) { builder.append($0) }
    case .utf8View, .binaryView:
      let builder = ViewBuilder(type, capacity: column.length)
      return restored(column, builder) { builder.append($0) }
    case .dictionary:
      let builder = DictionaryBuilder(type, capacity: column.length)
      for row in 0..<column.length {
        if column.isValid(row) { builder.append(column.literal(at: row)) } else { builder.appendNulls(1) }
      }
      try builder.checkRoom()
      return builder.finish()
    default: return column
    }
  }

  private static func restored(
    _ column: Column, _ builder: any RowBuilder, _ append: (UnsafeBufferPointer<UInt8>) -> Void
  ) -> Column {
    for row in 0..<column.length {
      if column.isValid(row) { append(column.utf8(at: row)) } else { builder.appendNulls(1) }
    }
    return builder.finish()
  }
}
