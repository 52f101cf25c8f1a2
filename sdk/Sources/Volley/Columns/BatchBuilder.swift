import VolleyPlan

/// A batch in the making: values, rows or whole columns of an input batch.
///
/// All columns must have the same number of rows when the batch is emitted. The builder is empty again afterwards.
public final class BatchBuilder {
  public let schema: Schema
  private var columns: [Content]
  /// The writer of the rows that were appended last; it knows more rows than the columns do.
  private var rowWriter: RowWriter?

  private enum Content {
    case made(OutputColumn)
    case fields(StructColumn)
    case passed(ExportedColumn)
    /// Of a type that is not built value by value, and not passed or begun yet.
    case awaited

    init(_ type: DataType, capacity: Int, textCapacity: Int? = nil) {
      self =
        ColumnStorage(type).map {
          .made(OutputColumn(type, $0, capacity: capacity, textCapacity: textCapacity))
        } ?? .awaited
    }

    /// An empty one for the next batch, with memory for as much as this one took.
    func emptied(_ field: Field, capacity: Int) -> Content {
      switch self {
      case .made(let column): Content(field.type, capacity: capacity, textCapacity: max(64, column.textByteCount))
      case .fields(let column): .fields(StructColumn(like: column, capacity: capacity))
      case .passed, .awaited: Content(field.type, capacity: capacity)
      }
    }

    var count: Int {
      switch self {
      case .made(let column): column.count
      case .fields(let column): column.count
      case .passed(let column): column.length
      case .awaited: 0
      }
    }
  }

  public init(_ schema: Schema) {
    self.schema = schema
    columns = schema.fields.map { Content($0.type, capacity: 1024) }
  }

  /// Rows of the longest column.
  public var rowCount: Int {
    finishRows()
    return columns.reduce(0) { max($0, $1.count) }
  }

  /// The column of that name, to append to.
  public func column<Value: ColumnValue>(_ name: String, as _: Value.Type = Value.self) throws -> ColumnBuilder<Value> {
    finishRows()
    let index = try self.index(of: name)
    let type = schema.fields[index].type
    guard type == Value.dataType else {
      throw VolleyError("column '\(name)' is \(type), not \(Value.dataType) (\(Value.self))")
    }
    return ColumnBuilder(try made(index))
  }

  /// The struct column of that name, to append rows to.
  ///
  /// - Throws: there is no such column, it is no struct, or one of its fields is a list, a map, a dictionary or text of
  ///   another layout than utf8, which can only be passed on.
  public func structColumn(_ name: String) throws -> StructBuilder {
    finishRows()
    let index = try self.index(of: name)
    if case .fields(let column) = columns[index] { return StructBuilder(column) }
    guard case .struct(let fields) = schema.fields[index].type else {
      throw VolleyError("column '\(name)' is \(schema.fields[index].type), no struct")
    }
    let column = try StructColumn(fields, path: name, capacity: 1024)
    columns[index] = .fields(column)
    return StructBuilder(column)
  }

  /// Makes column `name` the column `other` (by default of the same name) of an input batch, without a copy.
  public func pass(_ name: String, from batch: Batch, column other: String? = nil) throws {
    finishRows()
    let index = try self.index(of: name)
    let source = try batch.index(of: other ?? name)
    let type = batch.schema.fields[source].type
    guard type == schema.fields[index].type else {
      throw VolleyError("column '\(name)' is \(schema.fields[index].type), and the column to pass is \(type)")
    }
    columns[index] = .passed(try batch.exported(source))
  }

  /// Appends a row: its fields to the columns of the same names.
  public func append<Row: RowValue>(_ row: Row) throws {
    let writer = try self.writer(for: Row.self)
    try writer.append(row)
  }

  /// The writer of rows of a type, until the batch is emitted or anything else of the builder is used.
  func writer<Row: RowValue>(for type: Row.Type) throws -> RowWriter {
    if let rowWriter, rowWriter.type == type { return rowWriter }
    finishRows()
    let writer = try RowWriter(type, schema: schema, columns: try schema.fields.indices.map { try made($0) })
    rowWriter = writer
    return writer
  }

  private func finishRows() {
    rowWriter?.finish()
    rowWriter = nil
  }

  private func index(of name: String) throws(VolleyError) -> Int {
    guard let index = schema.fields.firstIndex(where: { $0.name == name }) else {
      let known = schema.fields.map(\.name).joined(separator: ", ")
      throw VolleyError("there is no column '\(name)': the columns are \(known)")
    }
    return index
  }

  private func made(_ index: Int) throws(VolleyError) -> OutputColumn {
    if case .made(let column) = columns[index] { return column }
    let field = schema.fields[index]
    guard let storage = ColumnStorage(field.type) else {
      throw VolleyError(
        "column '\(field.name)' is \(field.type), which is not built value by value: pass it on from an input batch")
    }
    let column = OutputColumn(field.type, storage, capacity: 1024)
    columns[index] = .made(column)
    return column
  }

  /// The columns, checked; the builder is empty afterwards.
  func take() throws(VolleyError) -> (rowCount: Int, columns: [ExportedColumn]) {
    let rowCount = self.rowCount
    var result: [ExportedColumn] = []
    for (field, column) in zip(schema.fields, columns) {
      if case .awaited = column {
        // Without rows there is nothing to hand on.
        guard rowCount > 0 else { continue }
        throw VolleyError(
          "column '\(field.name)' is \(field.type), which is not built value by value, and was not passed on from an "
            + "input batch")
      }
      guard column.count == rowCount else {
        throw VolleyError(
          "column '\(field.name)' has \(column.count) rows and another has \(rowCount): give each column the same number"
        )
      }
      let exported: ExportedColumn
      switch column {
      case .made(let column): exported = try column.exported()
      case .fields(let column): exported = try column.exported()
      case .passed(let column): exported = column
      case .awaited: continue
      }
      guard field.nullable || exported.nullCount == 0 else {
        throw VolleyError("column '\(field.name)' may not be null, and \(exported.nullCount) of its rows are")
      }
      result.append(exported)
    }
    let capacity = max(64, rowCount)
    columns = zip(schema.fields, columns).map { $1.emptied($0, capacity: capacity) }
    return (rowCount, result)
  }
}
