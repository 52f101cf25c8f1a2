import Arrow
import Base
import VolleyPlan

/// A user function at one place of use.
struct UserFunctionCall {
  private let declaration: Expression.UserFunction
  private let function: any ScalarFunction

  init(_ declaration: Expression.UserFunction, _ function: any ScalarFunction) {
    self.declaration = declaration
    self.function = function
  }

  func open() throws(Failure) { try function.open() }

  func close() throws(Failure) { try function.close() }

  /// The result for `rowCount` rows. Without rows the function is not called; nor does it see rows with a null argument
  /// unless it accepts nulls.
  func call(_ arguments: [Column], rowCount: Int) throws(Failure) -> Column {
    if rowCount == 0 { return Column.nulls(declaration.resultType, count: 0) }
    guard !declaration.acceptsNulls, let validity = commonValidity(arguments, count: rowCount) else {
      return try checked(arguments, rowCount)
    }
    let rows = Selection(bits: validity.address, count: rowCount)
    if rows.count == rowCount { return try checked(arguments, rowCount) }
    if rows.count == 0 { return Column.nulls(declaration.resultType, count: rowCount) }
    let results = try checked(arguments.map { $0.gather(rows) }, rows.count)
    return try ColumnMerger.merge(
      [.init(rows: rows, values: .dense(results))], type: declaration.resultType, count: rowCount)
  }

  private func checked(_ arguments: [Column], _ rowCount: Int) throws(Failure) -> Column {
    let result = try function.call(arguments, rowCount: rowCount)
    guard result.type == declaration.resultType else {
      throw Failure(
        .plugin,
        "the function '\(declaration.function)' gave \(result.type) and is declared to give \(declaration.resultType); "
          + "correct its declaration or its code")
    }
    guard result.length == rowCount else {
      throw Failure(
        .plugin,
        "the function '\(declaration.function)' gave \(count(result.length, "row")) for \(rowCount); "
          + "it must give one value for each row")
    }
    return result
  }
}
