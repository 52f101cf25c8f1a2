import VolleyPlan

/// A struct column in the making: which rows are not null, and the columns of its fields.
///
/// Fields may be shorter than the struct while it is made: what is missing lies below null rows, and is filled in at once
/// where the next row begins or the column is handed over.
final class StructColumn {
  private let fields: [Field]
  /// Counts the rows and keeps their validity; its values take no bytes.
  private let rows: OutputColumn
  private let children: [Child]
  /// The end of the last row that is not null: so many values each field must have before null rows are filled in.
  private var valueEnd = 0
  /// The field that lacked a value where the next row began.
  private var problem: String?

  private enum Child {
    case values(OutputColumn)
    case fields(StructColumn)

    var count: Int {
      switch self {
      case .values(let column): column.count
      case .fields(let column): column.count
      }
    }
  }

  var count: Int { rows.count }

  /// Whether columns of this type are built value by value, or, being structs, field by field.
  static func canBuild(_ type: DataType) -> Bool {
    if case .struct(let fields) = type { return fields.allSatisfy { canBuild($0.type) } }
    return ColumnStorage(type) != nil
  }

  /// - Throws: a field, at whatever depth, is of a type that is not built value by value.
  init(_ fields: [Field], path: String, capacity: Int) throws(VolleyError) {
    self.fields = fields
    rows = OutputColumn(.null, .fixed(0), capacity: capacity)
    var children: [Child] = []
    for field in fields {
      let path = "\(path).\(field.name)"
      if case .struct(let inner) = field.type {
        children.append(.fields(try StructColumn(inner, path: path, capacity: capacity)))
      } else if let storage = ColumnStorage(field.type) {
        children.append(.values(OutputColumn(field.type, storage, capacity: capacity)))
      } else {
        throw VolleyError(
          "field '\(path)' is \(field.type), which is not built value by value: pass the column on from an input batch")
      }
    }
    self.children = children
  }

  /// An empty one, with memory for as much text as the former took.
  init(like former: StructColumn, capacity: Int) {
    fields = former.fields
    rows = OutputColumn(.null, .fixed(0), capacity: capacity)
    children = former.children.map { child in
      switch child {
      case .values(let column):
        .values(
          OutputColumn(column.type, column.storage, capacity: capacity, textCapacity: max(64, column.textByteCount)))
      case .fields(let column): .fields(StructColumn(like: column, capacity: capacity))
      }
    }
  }

  func values(_ name: String) throws(VolleyError) -> OutputColumn {
    guard case .values(let column) = children[try index(of: name)] else {
      throw VolleyError("field '\(name)' is a struct: use structField(_:)")
    }
    return column
  }

  func structField(_ name: String) throws(VolleyError) -> StructColumn {
    let index = try index(of: name)
    guard case .fields(let column) = children[index] else {
      throw VolleyError("field '\(name)' is \(fields[index].type), no struct: use field(_:)")
    }
    return column
  }

  func type(of name: String) throws(VolleyError) -> DataType { fields[try index(of: name)].type }

  private func index(of name: String) throws(VolleyError) -> Int {
    guard let index = fields.firstIndex(where: { $0.name == name }) else {
      throw VolleyError("there is no field '\(name)': the fields are \(fields.map(\.name).joined(separator: ", "))")
    }
    return index
  }

  /// Begins rows that are not null.
  func append(count: Int) {
    fill()
    let end = rows.count + count
    rows.reserve(end)
    rows.finish(count: end, nullCount: rows.nullCount)
    if count > 0 { valueEnd = end }
  }

  func appendNull(count: Int) {
    let end = rows.count + count
    rows.reserve(end)
    Bits.clear(rows.unsafeValidity(), rows.count..<end)
    rows.finish(count: end, nullCount: rows.nullCount + count)
  }

  /// Gives fields that are shorter than the struct what lies below its null rows.
  private func fill() {
    for (field, child) in zip(fields, children) where child.count < count {
      if child.count < valueEnd, problem == nil {
        problem =
          "field '\(field.name)' has \(child.count) values where \(valueEnd) rows are: give each field one value for "
          + "each row that is not null"
      }
      switch child {
      case .values(let column): column.appendDefaults(upTo: count)
      case .fields(let column): column.appendNull(count: count - column.count)
      }
    }
  }

  /// What goes to the host.
  func exported() throws(VolleyError) -> ExportedColumn {
    fill()
    if let problem { throw VolleyError(problem) }
    var exported: [ExportedColumn] = []
    for (field, child) in zip(fields, children) {
      guard child.count == count else {
        throw VolleyError(
          "field '\(field.name)' has \(child.count) values and its struct \(count) rows: give each field one value for "
            + "each row that is not null")
      }
      switch child {
      case .values(let values): exported.append(try values.exported())
      case .fields(let fields): exported.append(try fields.exported())
      }
    }
    return ExportedColumn(
      length: count, offset: 0, nullCount: rows.nullCount, buffers: [rows.exportedValidity], children: exported,
      owner: self)
  }
}
