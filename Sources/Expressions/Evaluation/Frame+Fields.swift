import Arrow

/// A struct column, or a struct within it.
struct StructPlace: Hashable {
  var column: Int
  /// The places of the structs' fields, from the column down.
  var path: [Int]
}

extension Frame {
  /// A field of a struct column, null where the structs around it are; its neighbours are not looked at.
  func read(_ index: Int, _ path: [Int]) -> Column {
    var parent = columns[index]
    for field in path.dropLast() { parent = parent.field(field).masked(asFieldOf: parent) }
    let field = parent.field(path[path.count - 1])
    guard let rows = columnRows else { return field.masked(asFieldOf: parent) }
    guard field.validity == nil, field.type != .null else { return field.masked(asFieldOf: parent).gather(rows) }
    // The fields of a struct are null together: what is gathered for one is shared by all.
    var column = field.gather(rows)
    let place = StructPlace(column: index, path: Array(path.dropLast()))
    if let known = structValidity[place] {
      column.validity = known
    } else {
      column.validity = parent.gatheredValidity(rows.rows, rows.count)
      structValidity[place] = .some(column.validity)
    }
    return column
  }
}

extension Column {
  /// This field of a struct, null where the struct is; with the struct's bits where it has none of its own.
  fileprivate func masked(asFieldOf parent: Column) -> Column {
    guard validity == nil, offset == parent.offset, type != .null else { return withNulls(of: parent) }
    var column = self
    column.validity = parent.validity
    return column
  }
}
