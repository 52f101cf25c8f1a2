import Base
import VolleyPlan

extension IPCSchema {
  /// The schema of a table `Schema`; every type is one that Volley has.
  init(flat table: FlatTable, options: IPCReadOptions) throws(Failure) {
    let endianness = try table.integer(0, default: Int16(0))
    guard endianness == 0 else {
      throw Failure(
        .data,
        "the Arrow data is big endian, and only little endian data can be read; write it on a little endian machine")
    }
    fields = []
    annotations = []
    for flat in try table.tables(1) {
      let (field, annotation) = try Self.field(flat, nesting: options.nesting)
      fields.append(field)
      annotations.append(annotation)
    }
    metadata = try IPCKeyValue.list(table, 2)
  }

  /// - Parameter nesting: how many more types may lie within types.
  private static func field(_ table: FlatTable, nesting: Int) throws(Failure) -> (Field, IPCAnnotation) {
    let name = try table.string(0) ?? ""
    guard nesting > 0 else {
      throw Failure(.data, "field '\(name)' lies too deep within other fields; flatten the schema")
    }
    var children: [Field] = []
    var annotation = IPCAnnotation(metadata: try IPCKeyValue.list(table, 6))
    for flat in try table.tables(5) {
      let (child, childAnnotation) = try Self.field(flat, nesting: nesting - 1)
      children.append(child)
      annotation.children.append(childAnnotation)
    }
    var type = try DataType(flat: table, children: children, field: name)
    if let encoding = try table.table(4) {
      let index = try encoding.table(1).map { table throws(Failure) in try DataType(int: table, field: name) } ?? .int32
      annotation.dictionary = try encoding.integer(0, default: Int64(0))
      type = .dictionary(index: index, value: type, ordered: try encoding.bool(2))
    }
    return (Field(name, type, nullable: try table.bool(1)), annotation)
  }
}

extension IPCKeyValue {
  /// The entries of a vector of `KeyValue`s.
  static func list(_ table: FlatTable, _ slot: Int) throws(Failure) -> [IPCKeyValue] {
    var list: [IPCKeyValue] = []
    for entry in try table.tables(slot) {
      list.append(IPCKeyValue(try entry.string(0) ?? "", try entry.string(1) ?? ""))
    }
    return list
  }
}
