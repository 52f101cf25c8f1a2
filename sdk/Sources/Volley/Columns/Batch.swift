import CVolley
import VolleyPlan

/// Rows that the host handed over, as columns. The memory is the host's, borrowed without a copy until the batch goes.
public final class Batch {
  public let schema: Schema
  public let rowCount: Int
  let columns: [InputColumn]
  /// Moved here; released once, when the batch goes.
  private var array: ArrowArray

  /// Takes over what `source` points to.
  init(moving source: UnsafeMutablePointer<ArrowArray>, schema: Schema) throws(VolleyError) {
    self.schema = schema
    array = source.pointee
    source.pointee.release = nil
    rowCount = Int(array.length)
    let fields = schema.fields
    var columns: [InputColumn] = []
    var problem: VolleyError?
    if Int(array.n_children) == fields.count {
      for (index, field) in fields.enumerated() {
        guard let child = array.children?[index] else {
          problem = VolleyError("a batch came without its column '\(field.name)'", domain: .internal)
          break
        }
        do {
          columns.append(try InputColumn(child.pointee, in: array, field: field))
        } catch {
          problem = error
          break
        }
      }
    } else {
      problem = VolleyError(
        "a batch came with \(array.n_children) columns where \(fields.count) were declared", domain: .internal)
    }
    self.columns = columns
    if let problem { throw problem }
  }

  deinit { withUnsafeMutablePointer(to: &array) { $0.pointee.release?($0) } }

  /// The column of that name.
  ///
  /// - Throws: there is no such column, or its type is another.
  public func column<Value: ColumnValue>(_ name: String, as _: Value.Type = Value.self) throws -> ColumnView<Value> {
    let index = try self.index(of: name)
    let type = schema.fields[index].type
    guard type == Value.dataType else {
      throw VolleyError("column '\(name)' is \(type), not \(Value.dataType) (\(Value.self))")
    }
    return ColumnView(columns[index], of: self)
  }

  func index(of name: String) throws(VolleyError) -> Int {
    guard let index = schema.fields.firstIndex(where: { $0.name == name }) else {
      let known = schema.fields.map(\.name).joined(separator: ", ")
      throw VolleyError("there is no column '\(name)': the columns are \(known)")
    }
    return index
  }

  /// Column `index` as a part of a batch that goes to the host; it keeps this batch alive.
  func exported(_ index: Int) throws(VolleyError) -> ExportedColumn {
    let column = columns[index]
    guard let child = array.children?[index] else {
      throw VolleyError("a batch came without its column '\(schema.fields[index].name)'", domain: .internal)
    }
    var exported = try ExportedColumn(borrowing: child.pointee, owner: self)
    exported.length = column.length
    exported.offset = column.offset
    exported.nullCount = column.nullCount
    return exported
  }
}
