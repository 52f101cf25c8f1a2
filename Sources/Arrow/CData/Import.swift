import Base
import CPlatform
import CVolley
import VolleyPlan

extension RecordBatch {
  /// The columns of a struct array, as views of its memory. The struct is moved: the source is marked as released, and the
  /// memory is released once, when the last of the columns is gone, or before this throws.
  ///
  /// Counts, lengths, nulls, offsets, views and indices are checked against the schema, and text to be UTF-8; what no
  /// receiver can check is how many bytes stand behind a pointer.
  ///
  /// - Parameter releaseSite: whom a crash in the array's `release` is blamed on; lives as long as the process.
  /// - Throws: a `plugin` failure that names the column and what is wrong with it.
  public static func importing(
    _ source: UnsafeMutablePointer<ArrowArray>, schema: Schema,
    releaseSite: UnsafePointer<platform_call_site>? = nil
  ) throws(Failure) -> RecordBatch {
    guard let owner = ImportedArray(moving: source, releaseSite: releaseSite) else {
      throw ArrayCheck.refusal("a batch", "was used after its release")
    }
    let array = owner.array
    let check = ArrayCheck("a batch", array)
    try check.shape(.record, children: schema.fields.count)
    try check.noNulls("rows of a batch cannot be null as a whole")
    let length = Int(array.length)
    var columns: [Column] = []
    columns.reserveCapacity(schema.fields.count)
    for (index, field) in schema.fields.enumerated() {
      guard let child = array.children[index] else {
        throw ArrayCheck.refusal("column '\(field.name)'", "is NULL, where an array is expected")
      }
      guard child.pointee.release != nil else {
        throw ArrayCheck.refusal("column '\(field.name)'", "was used after its release")
      }
      // The children of a struct are seen through its offset and length.
      let column = try Column(
        viewing: child.pointee, of: owner, field: field, skipping: Int(array.offset), length: length)
      columns.append(try column.checked(field))
    }
    return RecordBatch(schema: schema, columns: columns, length: length)
  }
}

extension Column {
  /// A column of the field's type, as a view of the array's memory. Moves and checks as `RecordBatch.importing` does.
  ///
  /// - Throws: a `plugin` failure that names the column and what is wrong with it.
  public static func importing(
    _ source: UnsafeMutablePointer<ArrowArray>, field: Field,
    releaseSite: UnsafePointer<platform_call_site>? = nil
  ) throws(Failure) -> Column {
    guard let owner = ImportedArray(moving: source, releaseSite: releaseSite) else {
      throw ArrayCheck.refusal("column '\(field.name)'", "was used after its release")
    }
    return try Column(viewing: owner.array, of: owner, field: field, skipping: 0, length: nil).checked(field)
  }

  /// The column, its offsets, views, indices, nulls and text checked.
  fileprivate func checked(_ field: Field) throws(Failure) -> Column {
    do throws(ColumnFault) {
      return try ColumnCheck().checked(self, field)
    } catch {
      throw error.failure(.plugin, "received through the Arrow C data interface")
    }
  }

  /// Rows `skipping ..< skipping + length` of an array that belongs to `owner`; nil as the length: all from there on. What
  /// its values say is not checked.
  fileprivate init(
    viewing array: ArrowArray, of owner: ImportedArray, field: Field, skipping: Int, length: Int?
  ) throws(Failure) {
    let layout = field.type.layout
    let check = ArrayCheck("column '\(field.name)'", array)
    try check.shape(layout, children: layout.isDictionary ? 0 : field.type.childFields.count)
    let rows = Int(array.length)
    let length = length ?? rows - skipping
    guard rows - skipping >= length else {
      throw check.refusal("has \(rows) rows, where its batch has \(length) from row \(skipping) on")
    }
    // An array without rows may come without buffers: then there is nothing to view.
    guard length > 0 else {
      self = Column.nulls(field.type, count: 0)
      return
    }
    if layout == .none {
      self.init(nullsOnly: length)
      return
    }
    let offset = Int(array.offset) + skipping
    // So that its bytes and items can be counted: a value or a list has less than 2^31.
    guard offset <= ColumnCheck.largestLength - length else {
      throw check.refusal("has \(rows) rows from row \(array.offset) on; together at most 2^32 - 1 are possible")
    }
    let validity = try check.validity(offset, length, nullable: field.nullable, owner: owner)
    let views = ArrayViews(array: array, owner: owner, check: check)
    self.init(
      type: field.type, length: length, offset: offset, validity: validity,
      buffers: try views.buffers(layout, end: offset + length))
    children = try Self.children(of: array, owner, field, layout, end: offset + length)
  }

  /// - Parameter end: rows of the parent, those before its first one included.
  private static func children(
    of array: ArrowArray, _ owner: ImportedArray, _ field: Field, _ layout: Layout, end: Int
  ) throws(Failure) -> [Column] {
    var children: [Column] = []
    for (index, childField) in field.type.childFields.enumerated() {
      let subject = "\(childField.name) of column '\(field.name)'"
      guard let child = layout.isDictionary ? array.dictionary : array.children[index] else {
        throw ArrayCheck.refusal(subject, "is NULL, where an array is expected")
      }
      guard child.pointee.release != nil else { throw ArrayCheck.refusal(subject, "was used after its release") }
      var length: Int?
      switch layout {
      case .record: length = end
      case .fixedList(let size): length = end * size
      default: break
      }
      // Below a null row there may be nulls even where there may be none, so nulls are looked for with the parent's.
      let named = Field("\(field.name).\(childField.name)", childField.type)
      children.append(try Column(viewing: child.pointee, of: owner, field: named, skipping: 0, length: length))
    }
    return children
  }
}
