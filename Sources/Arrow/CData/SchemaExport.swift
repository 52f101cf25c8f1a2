import CVolley
import Glibc
import VolleyPlan

extension Schema {
  /// Writes a struct type whose children are the fields. The receiver releases it.
  ///
  /// - Parameter target: memory for a struct, whose content is overwritten.
  public func export(into target: UnsafeMutablePointer<ArrowSchema>) {
    writeSchema(TypeFormat.structure, name: "", nullable: false, children: fields, to: target)
  }
}

extension Field {
  /// Writes the field's type, name and whether it may be null. The receiver releases it.
  ///
  /// - Parameter target: memory for a struct, whose content is overwritten.
  public func export(into target: UnsafeMutablePointer<ArrowSchema>) {
    writeSchema(TypeFormat.format(type), name: name, nullable: nullable, children: [], to: target)
  }
}

/// Every struct owns its strings and its children's memory, so that a child that is moved out outlives its parent.
private func writeSchema(
  _ format: String, name: String, nullable: Bool, children: [Field], to target: UnsafeMutablePointer<ArrowSchema>
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
  target.initialize(
    to: ArrowSchema(
      format: UnsafePointer(strdup(format)), name: UnsafePointer(strdup(name)), metadata: nil,
      flags: nullable ? Int64(ARROW_FLAG_NULLABLE) : 0, n_children: Int64(children.count), children: pointers,
      dictionary: nil, release: releaseExportedSchema, private_data: nil))
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
  schema.pointee.release = nil
}
