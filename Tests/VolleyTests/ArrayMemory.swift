import CVolley
import VolleyPlan

/// Memory of a batch that the test gives to a plugin.
final class ArrayMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  private func block(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(64, byteCount), alignment: 64)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: max(64, byteCount))
    blocks.append(block)
    return block
  }

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// A struct array of the columns.
  ///
  /// - Parameters:
  ///   - padding: rows before the first one, in the children's buffers: their offset.
  ///   - parentOffset: rows before the first one, skipped by the struct array's own offset.
  /// - Returns: whether the batch has not been released.
  @discardableResult
  static func make(
    _ columns: [MiniHost.Cells], padding: Int = 0, parentOffset: Int = 0, into root: UnsafeMutablePointer<ArrowArray>
  ) -> () -> Bool {
    let memory = ArrayMemory()
    let rows = columns.first?.count ?? 0
    root.pointee = ArrowArray()
    root.pointee.length = Int64(rows)
    root.pointee.offset = Int64(parentOffset)
    root.pointee.n_buffers = 1
    root.pointee.buffers = memory.block(8).assumingMemoryBound(to: UnsafeRawPointer?.self)
    root.pointee.n_children = Int64(columns.count)
    let children = memory.block(8 * columns.count).assumingMemoryBound(to: UnsafeMutablePointer<ArrowArray>?.self)
    root.pointee.children = children
    for (index, column) in columns.enumerated() {
      let child = memory.block(MemoryLayout<ArrowArray>.size).assumingMemoryBound(to: ArrowArray.self)
      child.pointee = memory.array(column, skip: padding + parentOffset, offset: padding)
      children[index] = child
    }
    root.pointee.private_data = Unmanaged.passRetained(memory).toOpaque()
    root.pointee.release = { array in
      let memory = Unmanaged<ArrayMemory>.fromOpaque(array!.pointee.private_data)
      array!.pointee.release = nil
      memory.release()
    }
    return { [weak memory] in memory != nil }
  }

  private func array(_ cells: MiniHost.Cells, skip: Int, offset: Int) -> ArrowArray {
    var array = ArrowArray()
    let total = skip + cells.count
    array.length = Int64(total - offset)
    array.offset = Int64(offset)
    array.null_count = -1
    let valid = block((total + 7) / 8).assumingMemoryBound(to: UInt8.self)
    func fill<T, U>(_ values: [T?], _ default: U, _ convert: (T) -> U) -> UnsafeMutablePointer<U> {
      let target = block(total * MemoryLayout<U>.stride).assumingMemoryBound(to: U.self)
      for row in 0..<total {
        let value = row < skip ? nil : values[row - skip]
        target[row] = value.map(convert) ?? `default`
        if value != nil { valid[row >> 3] |= 1 << UInt8(row & 7) }
      }
      return target
    }
    var buffers: [UnsafeRawPointer?]
    switch cells {
    case .bool(let values):
      let bytes = fill(values, UInt8(0)) { $0 ? 1 : 0 }
      let bits = block((total + 7) / 8).assumingMemoryBound(to: UInt8.self)
      for row in 0..<total { bits[row >> 3] |= bytes[row] << UInt8(row & 7) }
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(bits)]
    case .int32(let values): buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(fill(values, Int32(-77)) { $0 })]
    case .int64(let values), .timestamp(let values):
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(fill(values, Int64(-77)) { $0 })]
    case .double(let values): buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(fill(values, Double.nan) { $0 })]
    case .raw(let type, let values) where type != .binary:
      let width = MiniHost.width(type)
      let target = block(total * width)
      target.initializeMemory(as: UInt8.self, repeating: 0xB3, count: total * width)
      for row in skip..<total {
        guard let value = values[row - skip] else { continue }
        (target + row * width).copyMemory(from: value, byteCount: width)
        valid[row >> 3] |= 1 << UInt8(row & 7)
      }
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(target)]
    case .text, .raw:
      let values = cells.bytes
      let offsets = block(4 * (total + 1)).assumingMemoryBound(to: Int32.self)
      var bytes: [UInt8] = []
      for row in 0..<total {
        if row >= skip, let value = values[row - skip] {
          bytes += value
          valid[row >> 3] |= 1 << UInt8(row & 7)
        } else {
          bytes += [0x3F]  // Behind a null may stand anything.
        }
        offsets[row + 1] = Int32(bytes.count)
      }
      let text = block(bytes.count)
      text.copyMemory(from: bytes, byteCount: bytes.count)
      buffers = [UnsafeRawPointer(valid), UnsafeRawPointer(offsets), UnsafeRawPointer(text)]
    }
    if !cells.hasNull {
      array.null_count = 0
      buffers[0] = nil
    }
    array.n_buffers = Int64(buffers.count)
    let pointers = block(8 * buffers.count).assumingMemoryBound(to: UnsafeRawPointer?.self)
    for (index, buffer) in buffers.enumerated() { pointers[index] = buffer }
    array.buffers = pointers
    // A child is freed with its parent.
    array.release = { $0!.pointee.release = nil }
    return array
  }
}
