import Arrow
import Base
import Dataflow
import Expressions
import VolleyPlan

/// Keeps the rows of a changelog for which a condition is true.
///
/// Of an update of which one row alone is left that one is told as what it is then: "-D" a row that no longer holds, "+I" one that comes
/// to be. The two rows of an update are known by standing next to each other in a batch.
public final class ChangelogFilterOperator: Operator {
  private let predicate: Predicate

  /// - Parameters:
  ///   - name: what failures call the condition.
  ///   - input: `row_kind`, then other columns.
  public init(
    condition: Expression, called name: String = "the condition", input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    predicate = try Predicate(condition, called: name, schema: input, functions: functions)
  }

  public func open() throws(Failure) { try predicate.open() }
  public func close() throws(Failure) { try predicate.close() }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    let batch = batch.compacted()
    guard let selection = try predicate.select(batch) else {
      try output.emit(batch, output: 0)
      return
    }
    if selection.count == 0 { return }
    var kept = batch
    kept.selection = selection
    if selection.count < batch.length { kept.columns[0] = try Self.kinds(batch.columns[0], selection) }
    try output.emit(kept, output: 0)
  }

  /// The kinds of a batch's rows when only some are kept.
  private static func kinds(_ column: Column, _ selection: Selection) throws(Failure) -> Column {
    let plain = try column.decoded().narrowed()
    var codes = (0..<plain.length).map { row -> UInt16 in
      let text = plain.utf8(at: row)
      return plain.isValid(row) && text.count == 2 ? UInt16(text[0]) | UInt16(text[1]) << 8 : 0
    }
    var isKept = [Bool](repeating: false, count: codes.count)
    for index in 0..<selection.count { isKept[Int(selection.rows[index])] = true }
    for row in 1..<max(1, codes.count)
    where codes[row - 1] == RowKind.updateBefore.code && codes[row] == RowKind.updateAfter.code {
      if isKept[row - 1] == isKept[row] { continue }
      if isKept[row] { codes[row] = RowKind.insert.code } else { codes[row - 1] = RowKind.delete.code }
    }
    // What is no kind is left as it is, for whoever reads it.
    return codes.contains(0) ? column : RowKind.column(codes)
  }
}
