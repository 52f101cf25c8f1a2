/// Appends rows to a struct column of a `BatchBuilder`, until that batch is emitted.
///
///     let points = try batch.structColumn("point")
///     var x = try points.field("x", as: Double.self)
///     points.append()
///     x.append(0.5)
///     points.appendNull()
public struct StructBuilder {
  private let column: StructColumn

  init(_ column: StructColumn) { self.column = column }

  /// Rows, null or not.
  public var count: Int { column.count }

  /// The field of that name, to which a value is appended for each row that is not null, and for no other.
  ///
  /// - Throws: there is no such field, or its type is another.
  public func field<Value: ColumnValue>(_ name: String, as _: Value.Type = Value.self) throws -> ColumnBuilder<Value> {
    let type = try column.type(of: name)
    guard type == Value.dataType else {
      throw VolleyError("field '\(name)' is \(type), not \(Value.dataType) (\(Value.self))")
    }
    return ColumnBuilder(try column.values(name))
  }

  /// The field of that name, which is a struct itself.
  public func structField(_ name: String) throws -> StructBuilder { StructBuilder(try column.structField(name)) }

  /// Begins a row that is not null, or so many: each field gets its value, or as many values, after this.
  ///
  /// Many calls cost more than one: with `count`, the fields' values can be appended as blocks.
  public func append(count: Int = 1) { column.append(count: count) }

  /// Appends a null, or so many.
  public func appendNull(count: Int = 1) { column.appendNull(count: count) }
}
