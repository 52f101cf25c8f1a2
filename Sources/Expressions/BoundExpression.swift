import Arrow
import Base
import VolleyPlan

/// An expression over the batches of one schema, ready to run.
///
/// One thread at a time. Legal order: open, evaluate…, close.
public final class BoundExpression {
  private let projection: BoundProjection

  /// Throws a `usage` failure for an expression that does not fit the schema.
  public init(
    _ expression: Expression, schema: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    projection = try BoundProjection([expression], schema: schema, functions: functions)
  }

  public var type: DataType { projection.types[0].type }
  /// Whether a row's value may be null.
  public var nullable: Bool { projection.types[0].nullable }

  /// Opens the user functions.
  public func open() throws(Failure) { try projection.open() }

  /// Closes the user functions.
  public func close() throws(Failure) { try projection.close() }

  /// The expression's value for each of the `batch.rowCount` rows that count; see `BoundProjection.evaluate`.
  public func evaluate(_ batch: RecordBatch) throws(Failure) -> Column { try projection.evaluate(batch)[0] }
}
