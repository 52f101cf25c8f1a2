import Base
import VolleyPlan

extension IPCSchema {
  /// The fields of the table `Schema`. Dictionaries are numbered in the order of their fields, each before those within
  /// its values.
  func flat() throws(Failure) -> FlatFields {
    var next: Int64 = 0
    var tables: [FlatFields] = []
    for (field, annotation) in zip(fields, annotations) { tables.append(try Self.flat(field, annotation, &next)) }
    var flat: FlatFields = [(0, .int16(0)), (1, .tables(tables))]
    if !metadata.isEmpty { flat.append((2, .tables(metadata.map(\.flat)))) }
    return flat
  }

  private static func flat(
    _ field: Field, _ annotation: IPCAnnotation, _ next: inout Int64
  ) throws(Failure) -> FlatFields {
    let type = field.type.flatType
    var flat: FlatFields = [
      (0, .string(field.name)), (1, .bool(field.nullable)), (2, .int8(Int8(type.number.rawValue))),
      (3, .table(type.fields)),
    ]
    if case .dictionary(let index, let value, let ordered) = field.type {
      guard !value.isDictionary else {
        throw Failure(
          .data,
          "column '\(field.name)' is a dictionary of dictionaries, for which Arrow IPC has no form; cast it to \(value)"
        )
      }
      flat.append((4, .table([(0, .int64(next)), (1, .table(index.flatType.fields)), (2, .bool(ordered))])))
      next += 1
    }
    let children = field.type.encodedChildren
    precondition(children.count == annotation.children.count, "an annotation has a child for each child of its field")
    var tables: [FlatFields] = []
    for (child, annotation) in zip(children, annotation.children) {
      tables.append(try Self.flat(child, annotation, &next))
    }
    flat.append((5, .tables(tables)))
    if !annotation.metadata.isEmpty { flat.append((6, .tables(annotation.metadata.map(\.flat)))) }
    return flat
  }
}

extension IPCKeyValue {
  var flat: FlatFields { [(0, .string(key)), (1, .string(value))] }
}
