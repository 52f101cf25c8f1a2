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
    return call.kernel(call.types, type, makesNulls: fields[index].nullable, cost: 1, structField: index) {
      arguments, count throws(Failure) in
      let column = try arguments[0].column(count)
      return column.field(index).withNulls(of: column)
    }
  }

  /// The item at an index from 0, or from the end if it is negative; null where the list has none there.
  private static let listElement = FunctionDefinition("list_element", "list_element(list, index)", arity: 2...2) {
    call throws(Failure) in
    let item = try call.item()
    return call.kernel([call.types[0], .int64], item.type, makesNulls: true, cost: 8) {
      arguments, count throws(Failure) in
      let lists = try arguments[0].column(count)
      let indices = try arguments[1].column(count)
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
    return call.kernel(call.types, .int64, cost: 1) { arguments, count throws(Failure) in
      let lists = try arguments[0].column(count)
      let buffer = Buffer(byteCount: count * 8)
      let lengths = buffer.unsafeMutableValues(Int64.self)
      for row in 0..<count { lengths[row] = Int64(lists.itemRange(row..<(row + 1)).count) }
      return lists.replacing(values: buffer, type: .int64)
    }
  }

  /// Whether one of a list's items is equal to a constant. Items that are null are equal to nothing.
  private static let listContains = FunctionDefinition("list_contains", "list_contains(list, value)", arity: 2...2) {
    call throws(Failure) in
    let value = try call.constant(1, comparedWith: call.item().type)
    return call.kernel([call.types[0], value.type], .bool, cost: 10) { arguments, count throws(Failure) in
      let lists = try arguments[0].column(count)
      let equal = Words(trueRowsOf: try compare(lists.items, value))
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
    let wanted = try call.constant(1, comparedWith: key.type)
    return call.kernel([call.types[0], wanted.type], value.type, makesNulls: true, cost: 20) {
      arguments, count throws(Failure) in
      let maps = try arguments[0].column(count)
      let entries = maps.items
      let equal = Words(trueRowsOf: try compare(entries.field(0), wanted))
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

  /// Which values are equal to a constant of the type in which they are compared.
  private static func compare(_ column: Column, _ value: Literal) throws(Failure) -> Column {
    let compared = try CastKernels.cast(column, to: value.type)
    return ComparisonKernels.column(.equal, .column(compared), .constant(value), of: value.type, count: column.length)
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

  /// The constant that an argument must be, in the type in which it is compared with values of `type`.
  fileprivate func constant(_ index: Int, comparedWith type: DataType) throws(Failure) -> Literal {
    guard let compared = Promotion.compared(type, type), compared.isComparable, type != .null else {
      throw refusal("the items are \(type), which are not compared; take out the parts that are asked for")
    }
    let argument = arguments[index].adapted(to: compared) ?? arguments[index]
    guard case .literal(let given) = argument.node, let literal = given.relabelled(compared) else {
      throw refusal("the second argument is \(types[index]), expected a constant \(compared)")
    }
    if case .null = literal { throw refusal("the second argument is null, which is equal to nothing") }
    return literal
  }
}

extension Literal {
  /// The same constant as one of a type of text or bytes in another layout; nil for one of another type.
  fileprivate func relabelled(_ type: DataType) -> Literal? {
    switch (self, type) {
    case (.null, _): .null(type)
    case (.string(let text, _), .utf8): .utf8(text)
    case (.binary(let bytes, _), .binary): .binary(bytes, .binary)
    case (.binary(let bytes, .binary), .fixedSizeBinary(let width)) where bytes.count == width: .binary(bytes, type)
    case (.float(let value, .float16), .float32): .float(value, .float32)
    default: self.type == type ? self : nil
    }
  }
}
