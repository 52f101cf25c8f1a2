import CVolley
import VolleyPlan

/// A struct schema in C memory, freed with the value. Its columns are written by the room of the host that does so.
final class SchemaMemory {
  let root: UnsafeMutablePointer<ArrowSchema>
  private var texts: [UnsafeMutablePointer<CChar>] = []
  private var children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>
  private let count: Int

  init(_ fields: [Field]) {
    root = .allocate(capacity: 1)
    root.initialize(to: ArrowSchema())
    count = fields.count
    children = .allocate(capacity: max(1, count))
    root.pointee.format = text("+s")
    root.pointee.n_children = Int64(count)
    root.pointee.children = children
    for (index, field) in fields.enumerated() {
      let child = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
      child.initialize(to: ArrowSchema())
      field.export(into: child)
      (children + index).initialize(to: child)
    }
  }

  deinit {
    for index in 0..<count {
      children[index]!.pointee.release(children[index]!)
      children[index]!.deallocate()
    }
    children.deallocate()
    root.deallocate()
    for text in texts { text.deallocate() }
  }

  private func text(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    memory.initialize(from: bytes, count: bytes.count)
    texts.append(memory)
    return UnsafePointer(memory)
  }
}
