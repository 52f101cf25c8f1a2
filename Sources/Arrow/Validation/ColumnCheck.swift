import VolleyPlan

/// Checks columns that somebody else made, so that no kernel reads outside their memory, whatever their values say.
///
/// Believed are the sizes of the buffers, the types (the children's too) and that the addresses are aligned. Checked
/// are validity, offsets, lists' items, views, dictionary indices, nulls where none may be, and, on request, text. What
/// stands in a null row does not matter to Arrow, but it does to a kernel that looks at every row: such views and
/// indices are made empty and 0, in a copy of that buffer.
public struct ColumnCheck: Sendable {
  /// Whether the bytes of text are checked to be UTF-8.
  public var text: Bool
  /// Whether the values of dictionaries are checked, or have been before.
  public var dictionaryValues: Bool

  public init(text: Bool = true, dictionaryValues: Bool = true) {
    self.text = text
    self.dictionaryValues = dictionaryValues
  }

  /// Rows that a column may have, with those before its first one: row indices are UInt32.
  public static let largestLength = Int(UInt32.max)

  /// The column, fit for every kernel: itself, or with some buffers replaced.
  public func checked(_ column: Column, _ field: Field) throws(ColumnFault) -> Column {
    try checked(column, field, path: field.name)
  }

  private func checked(_ column: Column, _ field: Field, path: String) throws(ColumnFault) -> Column {
    let largest = Self.largestLength
    guard column.length >= 0, column.offset >= 0, column.length <= largest, column.offset <= largest - column.length
    else {
      throw ColumnFault(path, "has \(column.length) rows from row \(column.offset) on; at most 2^32 - 1 are possible")
    }
    let end = column.offset + column.length
    if let validity = column.validity {
      try size(validity, Bitmap.byteCount(end), "validity bitmap", path)
    }
    if !field.nullable, column.type.layout != .none {
      let nulls = column.nullCount
      guard nulls == 0 else { throw ColumnFault(path, "has \(nulls) nulls, but is declared as never null") }
    }
    var column = column
    switch column.type.layout {
    case .none: break
    case .bits: try size(column.buffers[0], Bitmap.byteCount(end), "buffer of bits", path)
    case .fixed(let width): try size(column.buffers[0], end * width, "buffer of values", path)
    case .variable32: try strings(column, Int32.self, path)
    case .variable64: try strings(column, Int64.self, path)
    case .view: try views(&column, path)
    case .list32: try items(column, Int32.self, path)
    case .list64: try items(column, Int64.self, path)
    case .fixedList(let size):
      let (needed, overflows) = end.multipliedReportingOverflow(by: size)
      try rows(column.children[0], overflows ? .max : needed, path)
    case .record: for child in column.children { try rows(child, end, path) }
    case .dictionary(let width):
      try size(column.buffers[0], end * width, "buffer of indices", path)
      try indices(&column, path)
    }
    try children(&column, path)
    return column
  }

  private func children(_ column: inout Column, _ path: String) throws(ColumnFault) {
    let isDictionary = column.type.isDictionary
    if isDictionary && !dictionaryValues { return }
    for (index, field) in column.type.childFields.enumerated() {
      let childPath = isDictionary ? path : "\(path).\(field.name)"
      // Below a null row there may be nulls even where there may be none: nobody sees them.
      var loose = field
      if column.validity != nil { loose.nullable = true }
      let child = try checked(column.children[index], loose, path: childPath)
      if !field.nullable, loose.nullable, child.type.layout != .none {
        let nulls = visibleNulls(of: child, below: column)
        guard nulls == 0 else { throw ColumnFault(childPath, "has \(nulls) nulls, but is declared as never null") }
      }
      column.children[index] = child
    }
  }

  /// Nulls of a child that lie in rows of the parent that are not null.
  private func visibleNulls(of child: Column, below parent: Column) -> Int {
    guard child.nullCount > 0 else { return 0 }
    var nulls = 0
    for row in 0..<parent.length where parent.isValid(row) {
      let range =
        parent.type.layout == .record
        ? (parent.offset + row)..<(parent.offset + row + 1) : parent.itemRange(row..<(row + 1))
      nulls += child.slice(range).nullCount
    }
    return nulls
  }

  func size(_ buffer: Buffer, _ byteCount: Int, _ name: String, _ path: String) throws(ColumnFault) {
    guard buffer.byteCount >= byteCount else {
      throw ColumnFault(path, "has a \(name) of \(buffer.byteCount) bytes, and its rows need \(byteCount)")
    }
  }

  private func rows(_ child: Column, _ count: Int, _ path: String) throws(ColumnFault) {
    guard child.length >= count else {
      throw ColumnFault(path, "has a child of \(child.length) rows, and its own rows need \(count)")
    }
  }
}

extension DataType {
  /// Whether rows name values of a dictionary.
  var isDictionary: Bool { if case .dictionary = self { true } else { false } }

  /// Whether the bytes of the values are text.
  var isText: Bool { self == .utf8 || self == .largeUtf8 || self == .utf8View }
}
