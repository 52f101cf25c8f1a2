import Arrow
import Base
import CVolley
import Glibc

/// A `volley_context` and all that it points to, as long as this object lives.
final class PlaceStruct {
  let pointer: UnsafeMutablePointer<volley_context>
  private var texts: [UnsafeMutablePointer<CChar>?] = []
  private var schemas: [UnsafeMutablePointer<ArrowSchema>] = []
  private var lists: [UnsafeMutablePointer<UnsafePointer<ArrowSchema>?>] = []

  init(_ request: InstanceRequest) throws(Failure) {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: volley_context())
    pointer.pointee.header = .of(volley_context.self)
    pointer.pointee.uid = text(request.place.uid)
    pointer.pointee.function = text(request.function)
    pointer.pointee.subtask = UInt32(request.place.subtask.id.index)
    pointer.pointee.parallelism = UInt32(request.place.subtask.parallelism)
    pointer.pointee.input_count = UInt32(request.inputs.count)
    pointer.pointee.output_count = UInt32(request.outputs.count)
    pointer.pointee.inputs = list(request.inputs)
    pointer.pointee.outputs = list(request.outputs)
    pointer.pointee.options = text(request.options)
    pointer.pointee.options_length = UInt64(request.options.utf8.count)
  }

  deinit {
    for schema in schemas {
      schema.pointee.release?(schema)
      schema.deallocate()
    }
    for list in lists { list.deallocate() }
    for text in texts { free(text) }
    pointer.deallocate()
  }

  private func text(_ text: String) -> UnsafePointer<CChar>? {
    let copy = strdup(text)
    texts.append(copy)
    return UnsafePointer(copy)
  }

  private func list(_ schemas: [Schema]) -> UnsafePointer<UnsafePointer<ArrowSchema>?> {
    // Never NULL, also when it is empty.
    let list = UnsafeMutablePointer<UnsafePointer<ArrowSchema>?>.allocate(capacity: schemas.count + 1)
    list.initialize(repeating: nil, count: schemas.count + 1)
    lists.append(list)
    for (index, schema) in schemas.enumerated() {
      let pointer = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
      pointer.initialize(to: ArrowSchema())
      schema.export(into: pointer)
      self.schemas.append(pointer)
      list[index] = UnsafePointer(pointer)
    }
    return UnsafePointer(list)
  }
}
