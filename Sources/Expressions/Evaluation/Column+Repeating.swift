import Arrow
import Base
import VolleyPlan

extension Column {
  /// The value in every row. A failure, and no memory is taken, when a column does not hold so many bytes.
  static func repeating(_ value: Literal, count: Int) throws(Failure) -> Column {
    let bytes = value.variableBytes
    guard bytes == 0 || count <= Int(Int32.max) / bytes else {
      throw Failure(
        .data,
        "a constant of \(bytes) bytes is more than \(count) rows of one batch can each hold, which is 2147483647 bytes "
          + "together; use smaller batches (--batch-rows)")
    }
    return Column.constant(value, count: count)
  }
}

extension Literal {
  /// How many bytes of text and binary it has.
  fileprivate var variableBytes: Int {
    switch self {
    case .utf8(let text), .string(let text, _): text.utf8.count
    case .binary(let bytes, _): bytes.count
    case .nested(let items, _): items.reduce(0) { $0 + $1.variableBytes }
    default: 0
    }
  }
}
