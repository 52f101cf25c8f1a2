import Base
import CVolley
import VolleyPlan

extension Schema {
  /// The fields of a struct type. The struct is moved: whatever the outcome it has been released.
  ///
  /// - Throws: a `plugin` failure that names the field when the struct is released, is no struct type, or has a type that
  ///   this version does not know.
  public static func importing(_ source: UnsafeMutablePointer<ArrowSchema>) throws(Failure) -> Schema {
    defer { releaseSchema(source) }
    return Schema(try fields(of: source.pointee))
  }

  /// The fields of a struct type that stays with its owner.
  ///
  /// - Throws: as `importing`.
  public static func reading(_ source: UnsafePointer<ArrowSchema>) throws(Failure) -> Schema {
    Schema(try fields(of: source.pointee))
  }

  /// Types inside types, at most.
  private static let nestingBound = 64

  private static func fields(of schema: ArrowSchema) throws(Failure) -> [Field] {
    guard schema.release != nil else { throw refusal("an Arrow schema was used after its release") }
    let format = schema.format.map { String(cString: $0) } ?? ""
    guard format == TypeFormat.structure else {
      throw refusal("an Arrow schema of the format '\(format)' was given where a struct ('+s') of columns is expected")
    }
    return try children(of: schema, "an Arrow schema", depth: 0)
  }

  private static func children(of schema: ArrowSchema, _ subject: String, depth: Int) throws(Failure) -> [Field] {
    guard schema.n_children >= 0, schema.n_children == 0 || schema.children != nil else {
      throw refusal("\(subject) says that it has \(schema.n_children) children, but holds none")
    }
    var fields: [Field] = []
    for index in 0..<Int(schema.n_children) {
      guard let child = schema.children[index] else {
        throw refusal("child \(index) of \(subject) is NULL, where a column's schema is expected")
      }
      fields.append(try field(of: child.pointee, depth: depth + 1))
    }
    return fields
  }

  fileprivate static func field(of schema: ArrowSchema, depth: Int = 0) throws(Failure) -> Field {
    guard schema.release != nil else { throw refusal("an Arrow schema was used after its release") }
    let name = schema.name.map { String(cString: $0) } ?? ""
    let format = schema.format.map { String(cString: $0) } ?? ""
    guard depth <= nestingBound else {
      throw refusal("column '\(name)' has types nested more than \(nestingBound) deep; flatten it")
    }
    let children = try children(of: schema, "column '\(name)'", depth: depth)
    let isSorted = schema.flags & Int64(ARROW_FLAG_MAP_KEYS_SORTED) != 0
    guard var type = TypeFormat.type(format, children: children, keysSorted: isSorted) else {
      throw refusal(
        "column '\(name)' has the Arrow format '\(format)' with \(children.count) children, which is not supported; "
          + "unions, run-end encoding, list views and decimals of other widths are not: cast it")
    }
    if let dictionary = schema.dictionary {
      let value = try field(of: dictionary.pointee, depth: depth + 1).type
      let isOrdered = schema.flags & Int64(ARROW_FLAG_DICTIONARY_ORDERED) != 0
      type = .dictionary(index: type, value: value, ordered: isOrdered)
      if let objection = type.parameterObjection { throw refusal("column '\(name)': \(objection)") }
    }
    return Field(name, type, nullable: schema.flags & Int64(ARROW_FLAG_NULLABLE) != 0)
  }

  private static func refusal(_ message: String) -> Failure { Failure(.plugin, message) }
}

extension Field {
  /// A field. The struct is moved: whatever the outcome it has been released.
  ///
  /// - Throws: as `Schema.importing`.
  public static func importing(_ source: UnsafeMutablePointer<ArrowSchema>) throws(Failure) -> Field {
    defer { releaseSchema(source) }
    return try Schema.field(of: source.pointee)
  }
}

private func releaseSchema(_ schema: UnsafeMutablePointer<ArrowSchema>) {
  if let release = schema.pointee.release { release(schema) }
}
