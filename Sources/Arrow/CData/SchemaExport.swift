import CVolley
import Glibc
import VolleyPlan

extension Schema {
  /// Writes a struct type whose children are the fields. The receiver releases it.
  ///
  /// - Parameter target: memory for a struct, whose content is overwritten.
  public func export(into target: UnsafeMutablePointer<ArrowSchema>) {
    writeSchema(TypeFormat.structure, name: "", flags: 0, children: fields, dictionary: nil, to: target)
  }
}

extension Field {
  /// Writes the field's type, name and whether it may be null. The receiver releases it.
  ///
  /// - Parameter target: memory for a struct, whose content is overwritten.
  public func export(into target: UnsafeMutablePointer<ArrowSchema>) {
    var flags = nullable ? Int64(ARROW_FLAG_NULLABLE) : 0
    if case .map(_, _, true) = type { flags |= Int64(ARROW_FLAG_MAP_KEYS_SORTED) }
    var children = type.childFields
    var dictionary: Field?
    if case .dictionary(_, let value, let ordered) = type {
      if ordered { flags |= Int64(ARROW_FLAG_DICTIONARY_ORDERED) }
      children = []
      dictionary = Field("", value)
    }
    writeSchema(
      TypeFormat.format(type), name: name, flags: flags, children: children, dictionary: dictionary, to: target)
  }
}

/// Every struct owns its strings and its children's memory, so that a child that is moved out outlives its parent.
private func writeSchema(
  _ format: String, name: String, flags: Int64, children: [Field], dictionary: Field?,
  to target: UnsafeMutablePointer<ArrowSchema>
) {
  var pointers: UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>?
  if !children.isEmpty {
    let memory = UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>.allocate(capacity: children.count)
    for (index, field) in children.enumerated() {
      let child = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
      field.export(into: child)
      (memory + index).initialize(to: child)
    }
    pointers = memory
  }
  var values: UnsafeMutablePointer<ArrowSchema>?
  if let dictionary {
    let memory = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
    dictionary.export(into: memory)
    values = memory
  }
  target.initialize(
    to: ArrowSchema(
      format: UnsafePointer(strdup(format)), name: UnsafePointer(strdup(name)), metadata: nil, flags: flags,
      n_children: Int64(children.count), children: pointers, dictionary: values, release: releaseExportedSchema,
      private_data: nil))
}

private func releaseExportedSchema(_ schema: UnsafeMutablePointer<ArrowSchema>?) {
  guard let schema, schema.pointee.release != nil else { return }
  free(UnsafeMutableRawPointer(mutating: schema.pointee.format))
  free(UnsafeMutableRawPointer(mutating: schema.pointee.name))
  if let children = schema.pointee.children {
    for index in 0..<Int(schema.pointee.n_children) {
      guard let child = children[index] else { continue }
      if let release = child.pointee.release { release(child) }
      child.deallocate()
    }
    children.deallocate()
  }
  if let dictionary = schema.pointee.dictionary {
    if let release = dictionary.pointee.release { release(dictionary) }
    dictionary.deallocate()
  }
  schema.pointee.release = nil
}
