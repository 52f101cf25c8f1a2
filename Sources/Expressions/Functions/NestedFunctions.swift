import Arrow
import Base
import VolleyPlan

/// Functions that reach into structs, lists and maps.
extension FunctionTable {
  static var nested: [FunctionDefinition] { [structField, listElement, listLength, listContains, mapLookup] }

  /// A field of a struct; null where the struct is.
  private static let structField = FunctionDefinition("struct_field", "struct_field(struct, name)", arity: 2...2) {
    call throws(Failure) in
    guard case .struct(let fields) = call.types[0] else {
      throw call.refusal("the first argument is \(call.types[0]), expected a struct")
    }
    let name = try call.text(1, "the name")
    guard let index = fields.firstIndex(where: { $0.name == name }) else {
      throw call.refusal(
        "the struct has no field '\(name)'; it has \(namesNearestFirst(to: name, among: fields.map(\.name)))")
    }
    let type = fields[index].type
    return call.kernel(call.types, type, makesNulls: fields[index].nullable, cost: 1) { arguments, count in
      let column = arguments[0].column(count)
      return column.field(index).withNulls(of: column)
    }
  }

  /// The item at an index from 0, or from the end if it is negative; null where the list has none there.
  private static let listElement = FunctionDefinition("list_element", "list_element(list, index)", arity: 2...2) {
    call throws(Failure) in
    let item = try call.item()
    return call.kernel([call.types[0], .int64], item.type, makesNulls: true, cost: 8) { arguments, count in
      let lists = arguments[0].column(count)
      let indices = arguments[1].column(count)
      let values = indices.values(Int64.self)
      let rows = RowChoice(count: count)
      for row in 0..<count where lists.isValid(row) && indices.isValid(row) {
        let range = lists.itemRange(row..<(row + 1))
        let index = values[row] < 0 ? values[row] + Int64(range.count) : values[row]
        if index >= 0, index < Int64(range.count) { rows.choose(range.lowerBound + Int(index), for: row) }
      }
      return rows.gather(lists.children[0])
    }
  }

  /// How many items a list or entries a map has, as int64.
  private static let listLength = FunctionDefinition("list_length", "list_length(list)", arity: 1...1) {
    call throws(Failure) in
    _ = try call.item()
    return call.kernel(call.types, .int64, cost: 1) { arguments, count in
      let lists = arguments[0].column(count)
      let buffer = Buffer(byteCount: count * 8)
      let lengths = buffer.unsafeMutableValues(Int64.self)
      for row in 0..<count { lengths[row] = Int64(lists.itemRange(row..<(row + 1)).count) }
      return lists.replacing(values: buffer, type: .int64)
    }
  }

  /// Whether one of a list's items is equal to a constant. Items that are null are equal to nothing.
  private static let listContains = FunctionDefinition("list_contains", "list_contains(list, value)", arity: 2...2) {
    call throws(Failure) in
    let item = try call.item()
    let value = try call.constant(1, adaptedTo: item.type)
    return call.kernel([call.types[0], item.type], .bool, cost: 10) { arguments, count in
      let lists = arguments[0].column(count)
      let equal = Words(trueRowsOf: items(of: lists, equalTo: value, item.type))
      let first = lists.itemRange(0..<count).lowerBound
      let found = Words(repeating: false, count: count)
      for row in 0..<count where lists.isValid(row) {
        let range = lists.itemRange(row..<(row + 1))
        if range.contains(where: { Bitmap.get(equal.buffer.address, $0 - first) }) {
          Bitmap.set(found.buffer.unsafeMutableAddress, row, true)
        }
      }
      return found.column(validity: commonValidity([lists], count: count))
    }
  }

  /// The value of the first entry with a constant key; null where a map has none.
  private static let mapLookup = FunctionDefinition("map_lookup", "map_lookup(map, key)", arity: 2...2) {
    call throws(Failure) in
    guard case .map(let key, let value, _) = call.types[0] else {
      throw call.refusal("the first argument is \(call.types[0]), expected a map")
    }
    let wanted = try call.constant(1, adaptedTo: key.type)
    return call.kernel([call.types[0], key.type], value.type, makesNulls: true, cost: 20) { arguments, count in
      let maps = arguments[0].column(count)
      let entries = maps.items
      let equal = Words(trueRowsOf: compare(entries.field(0), wanted, key.type))
      let first = maps.itemRange(0..<count).lowerBound
      let rows = RowChoice(count: count)
      for row in 0..<count where maps.isValid(row) {
        let range = maps.itemRange(row..<(row + 1))
        if let entry = range.first(where: { Bitmap.get(equal.buffer.address, $0 - first) }) {
          rows.choose(entry - first, for: row)
        }
      }
      return rows.gather(entries.field(1))
    }
  }

  private static func items(of lists: Column, equalTo value: Literal, _ type: DataType) -> Column {
    compare(lists.items, value, type)
  }

  private static func compare(_ column: Column, _ value: Literal, _ type: DataType) -> Column {
    ComparisonKernels.column(.equal, .column(column), .constant(value), of: type, count: column.length)
  }
}

extension FunctionCall {
  /// The field of the items of the list, or of the entries of the map, that the first argument is.
  fileprivate func item() throws(Failure) -> Field {
    switch types[0] {
    case .list(let item), .largeList(let item), .fixedSizeList(let item, _): return item
    case .map: return types[0].childFields[0]
    default: throw refusal("the first argument is \(types[0]), expected a list or a map")
    }
  }

  /// The constant of that type that an argument must be.
  fileprivate func constant(_ index: Int, adaptedTo type: DataType) throws(Failure) -> Literal {
    let argument = arguments[index].adapted(to: type) ?? arguments[index]
    guard case .literal(let literal) = argument.node, literal.type == type, type.isComparable else {
      throw refusal("the second argument is \(types[index]), expected a constant \(type)")
    }
    if case .null = literal { throw refusal("the second argument is null, which is equal to nothing") }
    return literal
  }
}
