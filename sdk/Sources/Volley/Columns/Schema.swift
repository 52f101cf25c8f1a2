import VolleyPlan

/// The columns of a stream, in order.
///
///     ["user_id": .int64, "amount": .float64, "ts": .timestamp]
public struct Schema: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  public var fields: [Field]
  /// Why it cannot be used, reported with the operator when the plan is built.
  var problem: String?
  /// Whether the host finds the columns in the source's files.
  private(set) var isInferred = false

  public init(_ fields: [Field]) { self.fields = fields }

  /// What a source's files say when the plan is built.
  static var inferred: Schema {
    var schema = Schema([])
    schema.isInferred = true
    return schema
  }

  /// Columns that may hold nulls.
  public init(dictionaryLiteral elements: (String, DataType)...) {
    fields = elements.map { Field($0.0, $0.1) }
  }

  /// The columns that a row type's fields are: `Bool`; integers of 8 to 64 bits, `Int` and `UInt`;
  /// `Float16`, `Float`, `Double`; `String`, `[UInt8]`; `CalendarDate`, `Timestamp`, `Duration`; or optionals of these, which
  /// make columns that may hold nulls.
  public init<Row: RowValue>(_ type: Row.Type) {
    do {
      fields = try RowFields.of(type).map(\.field)
    } catch {
      fields = []
      problem = error.message
    }
  }
}
