import Arrow
import Base
import VolleyPlan

/// Lists as lists of other layouts and items, structs field by field, maps by their keys and values. A row that has an
/// item that does not fit does not fit.
enum NestedCasts {
  static func cast(_ column: Column, to target: DataType) throws(Failure) -> Column {
    switch (column.type, target) {
    case (.struct, .struct(let fields)):
      var children: [Column] = []
      for (index, field) in fields.enumerated() {
        let values = hidingNulls(column.field(index), of: column)
        children.append(try CastKernels.cast(values, to: field.type))
      }
      return Column(
        type: target, length: column.length, validity: commonValidity([column], count: column.length), buffers: [],
        children: children)
    default: return try list(column, to: target)
    }
  }

  private static func list(_ column: Column, to target: DataType) throws(Failure) -> Column {
    guard let item = target.childFields.first else { preconditionFailure("\(target) has no items") }
    let count = column.length
    let validity = commonValidity([column], count: count)
    // Only the items of rows that are there, one after the other.
    let rows = compacted(column)
    let items = try CastKernels.cast(rows.items, to: item.type)
    switch target.layout {
    case .list32:
      guard items.length <= Int(Int32.max) else {
        throw Failure(
          .data,
          "cast: the lists of a batch have \(items.length) items, and 2147483647 fit; use smaller batches (--batch-rows)"
        )
      }
      let offsets = Buffer(byteCount: (count + 1) * 4)
      let ends = offsets.unsafeMutableValues(Int32.self)
      var end = 0
      ends[0] = 0
      for row in 0..<count {
        end += rows.lengths[row]
        ends[row + 1] = Int32(truncatingIfNeeded: end)
      }
      return Column(type: target, length: count, validity: validity, buffers: [offsets], children: [items])
    case .list64:
      let offsets = Buffer(byteCount: (count + 1) * 8)
      let ends = offsets.unsafeMutableValues(Int64.self)
      var end = 0
      ends[0] = 0
      for row in 0..<count {
        end += rows.lengths[row]
        ends[row + 1] = Int64(end)
      }
      return Column(type: target, length: count, validity: validity, buffers: [offsets], children: [items])
    case .fixedList(let size):
      let builder = ColumnBuilder(item.type, capacity: count * size)
      var start = 0
      for row in 0..<count {
        let length = rows.lengths[row]
        guard column.isValid(row) else {
          builder.appendNulls(size)
          continue
        }
        guard length == size else {
          throw Failure(
            .data,
            "cast: a list of \(Expressions.count(length, "item")) does not fit \(target), whose lists have \(size); "
              + "keep such rows out with a filter or a case")
        }
        builder.append(items, start..<(start + length))
        start += length
      }
      return Column(type: target, length: count, validity: validity, buffers: [], children: [builder.finish()])
    default: preconditionFailure("a cast from \(column.type) to \(target) is refused when the plan is made")
    }
  }

  /// The items of the rows that are not null, and how many each row has.
  private static func compacted(_ column: Column) -> (items: Column, lengths: [Int]) {
    var lengths = [Int](repeating: 0, count: column.length)
    var hidden = false
    for row in 0..<column.length {
      let range = column.itemRange(row..<(row + 1))
      if column.isValid(row) { lengths[row] = range.count } else if !range.isEmpty { hidden = true }
    }
    if !hidden { return (column.items, lengths) }
    var rows: [Int] = []
    for row in 0..<column.length where lengths[row] > 0 { rows += column.itemRange(row..<(row + 1)) }
    return (column.children[0].gather(Selection(rows)), lengths)
  }

  /// A field's values, null where the struct is: what is behind a null never makes a cast fail.
  private static func hidingNulls(_ field: Column, of column: Column) -> Column {
    guard column.validity != nil else { return field }
    let count = column.length
    guard let validity = commonValidity([field, column], count: count) else { return field }
    var field = field
    let moved = Words(repeating: true, count: field.offset + count)
    Bitmap.copy(validity.address, 0, count: count, to: moved.buffer.unsafeMutableAddress, field.offset)
    field.validity = moved.buffer
    return field
  }
}
