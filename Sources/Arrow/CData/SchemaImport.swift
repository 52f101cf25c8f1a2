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

  private static func fields(of schema: ArrowSchema) throws(Failure) -> [Field] {
    guard schema.release != nil else { throw refusal("an Arrow schema was used after its release") }
    let format = schema.format.map { String(cString: $0) } ?? ""
    guard format == TypeFormat.structure else {
      throw refusal("an Arrow schema of the format '\(format)' was given where a struct ('+s') of columns is expected")
    }
    guard schema.n_children >= 0, schema.n_children == 0 || schema.children != nil else {
      throw refusal("an Arrow schema says that it has \(schema.n_children) children, but holds none")
    }
    var fields: [Field] = []
    for index in 0..<Int(schema.n_children) {
      guard let child = schema.children[index] else {
        throw refusal("child \(index) of an Arrow schema is NULL, where a column's schema is expected")
      }
      fields.append(try field(of: child.pointee))
    }
    return fields
  }

  fileprivate static func field(of schema: ArrowSchema) throws(Failure) -> Field {
    guard schema.release != nil else { throw refusal("an Arrow schema was used after its release") }
    let name = schema.name.map { String(cString: $0) } ?? ""
    let format = schema.format.map { String(cString: $0) } ?? ""
    guard schema.dictionary == nil else {
      throw refusal("column '\(name)' is dictionary-encoded, which is not supported; decode it first")
    }
    guard let type = TypeFormat.type(format), schema.n_children == 0 else {
      throw refusal(
        "column '\(name)' has the Arrow format '\(format)', which is not supported; "
          + "supported are bool, int32, int64, float64, utf8 and timestamps")
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
