import Arrow
import Base
import Text
import VolleyPlan

/// The texts of an operand: a row's own, or the same one for all rows. Those of null rows are undefined but readable.
struct TextArgument {
  /// Keeps the memory.
  private let column: Column
  private let offsets: UnsafePointer<Int32>
  private let bytes: UnsafePointer<UInt8>
  /// 0 for a constant.
  private let stride: Int

  init(_ operand: Operand) {
    switch operand {
    case .column(let column):
      self.column = column
      stride = 1
    case .constant(let literal):
      column = Column.constant(literal, count: 1)
      stride = 0
    }
    offsets = column.offsets32
    bytes = column.bytes
  }

  @inline(__always)  // Two loads; a call would cost as much.
  subscript(row: Int) -> TextBytes {
    let place = row &* stride
    let start = Int(offsets[place])
    return TextBytes(start: bytes + start, count: Int(offsets[place &+ 1]) &- start)
  }
}

/// The whole numbers of an int64 operand, as `TextArgument`.
struct IntegerArgument {
  private let column: Column
  private let values: UnsafePointer<Int64>
  private let stride: Int

  init(_ operand: Operand) {
    switch operand {
    case .column(let column):
      self.column = column
      stride = 1
    case .constant(let literal):
      column = Column.constant(literal, count: 1)
      stride = 0
    }
    values = column.values(Int64.self)
  }

  @inline(__always)  // A load.
  subscript(row: Int) -> Int { Int(values[row &* stride]) }
}

extension FunctionCall {
  /// The bytes of a constant text argument, or of `otherwise` when the call has no such argument.
  func text(_ index: Int, _ what: String, otherwise: String) throws(Failure) -> String {
    index < arguments.count ? try text(index, what) : otherwise
  }
}

extension [Operand] {
  /// The validity of rows that need all operands.
  func validity(_ count: Int) -> Buffer? { commonValidity(map(\.column), count: count) }
}
