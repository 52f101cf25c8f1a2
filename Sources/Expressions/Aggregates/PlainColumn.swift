import Arrow
import VolleyPlan

/// Columns as aggregates take them: a dictionary as the values that it names, text and bytes of any layout with 32-bit offsets.
enum PlainColumn {
  static func type(_ type: DataType) -> DataType {
    switch type {
    case .largeUtf8, .utf8View: .utf8
    case .largeBinary, .binaryView: .binary
    case .dictionary(_, let value, _): self.type(value)
    default: type
    }
  }

  /// - Precondition: the strings of one batch take less than 2 GiB, as batches are bounded.
  static func make(_ column: Column) -> Column {
    switch column.type {
    case .largeUtf8, .utf8View, .largeBinary, .binaryView: return bytes(column)
    case .dictionary: return named(column)
    default: return column
    }
  }

  private static func bytes(_ column: Column) -> Column {
    let builder = Utf8Builder(type(column.type), capacity: column.length)
    for row in 0..<column.length {
      if column.isValid(row) { builder.append(column.bytes(at: row)) } else { builder.appendNull() }
    }
    return builder.finish()
  }

  private static func named(_ column: Column) -> Column {
    let values = make(column.children[0])
    let rows = Buffer(byteCount: column.length * 4)
    let indices = rows.unsafeMutableValues(UInt32.self)
    var hasNulls = false
    for row in 0..<column.length {
      let isValid = column.isValid(row)
      hasNulls = hasNulls || !isValid
      indices[row] = isValid ? UInt32(truncatingIfNeeded: column.dictionaryIndex(row)) : 0
    }
    // A dictionary of nulls may name no value at all.
    if values.length == 0 { return .nulls(values.type, count: column.length) }
    var result = values.gather(indices, count: column.length)
    if hasNulls { result.validity = commonValidity([result, column], count: column.length) }
    return result
  }
}
