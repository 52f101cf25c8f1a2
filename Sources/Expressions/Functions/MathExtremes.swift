import Arrow
import Base
import VolleyPlan

/// The greatest and the least of several values.
extension FunctionTable {
  static var extremes: [FunctionDefinition] { [extreme("greatest", .greater), extreme("least", .less)] }

  /// Nulls are passed over, and NaN is unless there is nothing else.
  private static func extreme(_ name: String, _ comparison: Comparison) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(a, b, …)", arity: 1...Int.max) { call throws(Failure) in
      guard let values = Promotion.unify(call.arguments, by: Promotion.compared) else {
        let types = call.types.map(\.description).joined(separator: ", ")
        throw call.refusal("the values are \(types), which cannot be compared; cast them to one type")
      }
      let type = values[0].type
      let cost = 4 * Double(values.count)
      return call.kernel(values, type, isStrict: false, cost: cost) { operands, count throws(Failure) in
        var best = try operands[0].column(count)
        for operand in operands.dropFirst() {
          best = try better(best, operand.column(count), comparison, type, count)
        }
        return best
      }
    }
  }

  /// Of each row the right value where it wins, else the left one.
  private static func better(
    _ left: Column, _ right: Column, _ comparison: Comparison, _ type: DataType, _ count: Int
  ) throws(Failure) -> Column {
    let wins = ComparisonKernels.column(comparison, .column(right), .column(left), of: type, count: count)
    let taken = Words(trueRowsOf: wins)
    // A right value beside nothing: a null, or a NaN that is not beside another one.
    let missing = missing(left, count)
    missing.formIntersection(present(right, count))
    let words = Words(count: count) { row, _ in taken.words[row >> 6] | missing.words[row >> 6] }
    let rows = words.selection
    if rows.count == 0 { return left }
    if rows.count == count { return right }
    let rest = Words(repeating: true, count: count)
    rest.subtract(words)
    return try ColumnMerger.merge(
      [.init(rows: rows, values: .inPlace(right)), .init(rows: rest.selection, values: .inPlace(left))], type: type,
      count: count)
  }

  /// The rows that hold a value.
  private static func present(_ column: Column, _ count: Int) -> Words {
    guard let validity = Bits(validityOf: column) else { return Words(repeating: true, count: count) }
    return Words(count: count) { validity.word($0, $1) }
  }

  /// The rows that hold no value but a null or NaN.
  private static func missing(_ column: Column, _ count: Int) -> Words {
    let words = Words(repeating: true, count: count)
    words.subtract(present(column, count))
    guard column.type.floatBits != nil else { return words }
    let numbers = ComparisonKernels.column(.notEqual, .column(column), .column(column), of: column.type, count: count)
    let nans = Words(trueRowsOf: numbers)
    return Words(count: count) { row, _ in words.words[row >> 6] | nans.words[row >> 6] }
  }
}
