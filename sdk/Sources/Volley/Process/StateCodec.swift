import CVolley
import VolleyPlan

/// The columns that values of some type cross in.
@usableFromInline
class AnyStateCodec {
  let fields: [Field]
  init(_ fields: [Field]) { self.fields = fields }

  /// Makes the columns the ones that `read` reads.
  func use(_ columns: [InputColumn]) {}
  /// Columns to write to, from row 0 on; they are then used until the next call of this.
  func begin(_ columns: [OutputColumn]) throws {}
  /// Tells the columns how many rows they have.
  func finish() {}
}

/// How values of a type cross to the host and back: scalars as a column `value`, structs as a column a field.
@usableFromInline
class StateCodec<Value>: AnyStateCodec {
  /// The value of a row, which is there.
  @usableFromInline func read(_ row: Int) throws -> Value { preconditionFailure("a codec reads") }
  @usableFromInline func append(_ value: Value) throws {}

  /// - Parameter name: what a column of a scalar is called.
  static func make(_ name: String) throws(VolleyError) -> StateCodec<Value> where Value: RowValue {
    if let codec = common(name) as? StateCodec<Value> { return codec }
    if let optional = Value.self as? any OptionalStateValue.Type,
      let codec = optional.codec(name) as? StateCodec<Value>
    {
      return codec
    }
    if let type = Value.self as? any ColumnValue.Type, let codec = scalar(type, name) as? StateCodec<Value> {
      return codec
    }
    return try RowCodec<Value>.make()
  }

  /// Those that are compiled for their type: see `ScalarCodec`.
  private static func common(_ name: String) -> AnyObject? {
    switch Value.self {
    case is Int64.Type: Int64Codec(name)
    case is Int.Type: IntCodec(name)
    case is Int32.Type: Int32Codec(name)
    case is Double.Type: DoubleCodec(name)
    case is Bool.Type: BoolCodec(name)
    case is String.Type: StringCodec(name)
    case is Timestamp.Type: TimestampCodec(name)
    default: nil
    }
  }

  private static func scalar<Scalar: ColumnValue>(_: Scalar.Type, _ name: String) -> AnyObject {
    ScalarCodec<Scalar>(name)
  }

  /// Of a scalar, compiled for its type where it is a usual one.
  static func scalar(_ name: String) -> StateCodec<Value> where Value: ColumnValue {
    common(name) as? StateCodec<Value> ?? ScalarCodec<Value>(name)
  }
}

/// Of a value that may be null: a key, an argument, an accumulator. A state that has none is no null.
private final class OptionalCodec<Scalar: ColumnValue>: StateCodec<Scalar?> {
  private var reader: Scalar.Reader?
  private var validity = Validity(bits: nil, offset: 0)
  private var column: OutputColumn?
  private var writer: Scalar.Writer?
  private var count = 0
  private var nullCount = 0

  init(_ name: String) { super.init([Field(name, Scalar.dataType)]) }

  override func use(_ columns: [InputColumn]) {
    reader = Scalar.Reader(columns[0])
    validity = columns[0].validity
  }

  override func read(_ row: Int) throws -> Scalar? {
    guard let reader, validity[row] else { return nil }
    return reader[row]
  }

  override func begin(_ columns: [OutputColumn]) {
    column = columns[0]
    writer = Scalar.Writer(columns[0])
    (count, nullCount) = (0, 0)
  }

  override func append(_ value: Scalar?) throws {
    guard let column, var writer else { preconditionFailure("a codec has columns before it writes") }
    if count == column.capacity {
      column.finish(count: count, nullCount: nullCount)
      column.reserve(count + 1)
      writer = Scalar.Writer(column)
    }
    if let value {
      writer.put(value, count)
    } else {
      writer.putDefault(count)
      Bits.set(column.unsafeValidity(), count, false)
      nullCount += 1
    }
    self.writer = writer
    count += 1
  }

  override func finish() { column?.finish(count: count, nullCount: nullCount) }
}

private protocol OptionalStateValue { static func codec(_ name: String) -> AnyObject? }
extension Optional: OptionalStateValue {
  fileprivate static func codec(_ name: String) -> AnyObject? {
    func make<Scalar: ColumnValue>(_: Scalar.Type) -> AnyObject { OptionalCodec<Scalar>(name) }
    guard let type = Wrapped.self as? any ColumnValue.Type else { return nil }
    return make(type)
  }
}

/// A struct.
final class RowCodec<Row: RowValue>: StateCodec<Row> {
  private let reader: RowReader<Row>
  private var writer: RowWriter?
  private var columns: [OutputColumn] = []

  static func make() throws(VolleyError) -> RowCodec<Row> {
    let fields: [Field]
    do {
      fields = try RowFields.of(Row.self).map(\.field)
    } catch {
      throw VolleyError(error.message.replacing("row type \(Row.self)", by: "\(Row.self)"))
    }
    return try RowCodec(fields)
  }

  private init(_ fields: [Field], _: Void = ()) throws(VolleyError) {
    reader = try RowReader(schema: Schema(fields))
    super.init(fields)
  }

  override func use(_ columns: [InputColumn]) { reader.use(columns) }
  override func read(_ row: Int) throws -> Row { try reader.read(row) }

  override func begin(_ columns: [OutputColumn]) throws {
    if let writer, self.columns.elementsEqual(columns, by: { $0 === $1 }) {
      writer.restart()
      return
    }
    writer = try RowWriter(Row.self, schema: Schema(fields), columns: columns)
    self.columns = columns
  }

  override func append(_ value: Row) throws { try writer?.append(value) }
  override func finish() { writer?.finish() }
}

extension String {
  /// Without Foundation.
  fileprivate func replacing(_ text: String, by other: String) -> String {
    guard hasPrefix(text) else { return self }
    return other + dropFirst(text.count)
  }
}
