import CVolley
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

  /// The columns that a row type's fields are: `Bool`, `Int32`, `Int64`, `Int`, `Double`, `String`, `Timestamp`, or
  /// optionals of these, which make columns that may hold nulls.
  public init<Row: RowValue>(_ type: Row.Type) {
    do {
      fields = try RowFields.of(type).map(\.field)
    } catch {
      fields = []
      problem = error.message
    }
  }
}

extension Schema {
  /// Reads the columns of a struct schema that the host lends.
  init(_ schema: UnsafePointer<ArrowSchema>) throws(VolleyError) {
    var fields: [Field] = []
    for index in 0..<Int(schema.pointee.n_children) {
      guard let child = schema.pointee.children?[index] else {
        throw VolleyError("a schema came without its column \(index)", domain: .internal)
      }
      let name = child.pointee.name.map { String(cString: $0) } ?? ""
      let format = child.pointee.format.map { String(cString: $0) } ?? ""
      guard let type = DataType(arrowFormat: format) else {
        throw VolleyError("column '\(name)' has the Arrow format '\(format)', which this SDK does not know")
      }
      fields.append(Field(name, type, nullable: child.pointee.flags & Int64(ARROW_FLAG_NULLABLE) != 0))
    }
    self.init(fields)
  }
}

extension DataType {
  /// Source: https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
  init?(arrowFormat format: String) {
    switch format {
    case "b": self = .bool
    case "i": self = .int32
    case "l": self = .int64
    case "g": self = .float64
    case "u": self = .utf8
    default:
      let units: [(String, TimeUnit)] = [
        ("tss:", .second), ("tsm:", .millisecond), ("tsu:", .microsecond), ("tsn:", .nanosecond),
      ]
      guard let (prefix, unit) = units.first(where: { format.hasPrefix($0.0) }) else { return nil }
      let zone = String(format.dropFirst(prefix.count))
      self = .timestamp(unit, timezone: zone.isEmpty ? nil : zone)
    }
  }
}
