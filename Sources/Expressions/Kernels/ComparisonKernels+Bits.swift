import Arrow
import VolleyPlan

extension ComparisonKernels {
  /// Booleans, 64 rows at a time; false comes before true.
  static func compareBits(_ comparison: Comparison, _ left: Operand, _ right: Operand, count: Int) -> Words {
    let (left, right) = (BitInput(left), BitInput(right))
    return switch comparison {
    case .equal: Words(count: count) { ~(left.word($0, $1) ^ right.word($0, $1)) }
    case .notEqual: Words(count: count) { left.word($0, $1) ^ right.word($0, $1) }
    case .less: Words(count: count) { ~left.word($0, $1) & right.word($0, $1) }
    case .lessOrEqual: Words(count: count) { ~left.word($0, $1) | right.word($0, $1) }
    case .greater: Words(count: count) { left.word($0, $1) & ~right.word($0, $1) }
    case .greaterOrEqual: Words(count: count) { left.word($0, $1) | ~right.word($0, $1) }
    }
  }

  /// A column's bits, or the same bit for every row.
  private enum BitInput {
    case bits(Bits)
    case same(UInt64)

    init(_ operand: Operand) {
      switch operand {
      case .column(let column): self = .bits(Bits(valuesOf: column))
      case .constant(.bool(let value)): self = .same(value ? .max : 0)
      case .constant(let literal): preconditionFailure("a bool kernel got a \(literal.type)")
      }
    }

    @inline(__always)  // Once per 64 rows, in loops that do little more.
    func word(_ row: Int, _ count: Int) -> UInt64 {
      switch self {
      case .bits(let bits): bits.word(row, count)
      case .same(let word): word
      }
    }
  }
}
