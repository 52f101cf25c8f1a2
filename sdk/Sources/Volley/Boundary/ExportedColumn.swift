import CVolley

/// A column that goes to the host: buffers, and what keeps them alive.
struct ExportedColumn {
  var length: Int
  var offset: Int
  var nullCount: Int
  var buffers: [UnsafeRawPointer?]
  var owner: AnyObject
}

/// What an exported array points to; freed by the array's `release`.
private final class ExportedArray {
  let owner: AnyObject?
  let buffers: UnsafeMutablePointer<UnsafeRawPointer?>
  let children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
  let childCount: Int

  init(owner: AnyObject?, buffers: [UnsafeRawPointer?], childCount: Int) {
    self.owner = owner
    self.buffers = .allocate(capacity: max(1, buffers.count))
    for (index, buffer) in buffers.enumerated() { (self.buffers + index).initialize(to: buffer) }
    self.childCount = childCount
    children = .allocate(capacity: max(1, childCount))
    for index in 0..<childCount {
      let child = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
      child.initialize(to: ArrowArray())
      (children + index).initialize(to: child)
    }
  }

  /// A consumer may have moved a child away: then its `release` is nil.
  deinit {
    for index in 0..<childCount {
      guard let child = children[index] else { continue }
      child.pointee.release?(child)
      child.deallocate()
    }
    buffers.deallocate()
    children.deallocate()
  }

  func fill(_ array: UnsafeMutablePointer<ArrowArray>, length: Int, offset: Int, nullCount: Int, bufferCount: Int) {
    array.pointee = ArrowArray()
    array.pointee.length = Int64(length)
    array.pointee.offset = Int64(offset)
    array.pointee.null_count = Int64(nullCount)
    array.pointee.n_buffers = Int64(bufferCount)
    array.pointee.buffers = buffers
    array.pointee.n_children = Int64(childCount)
    array.pointee.children = childCount == 0 ? nil : children
    array.pointee.private_data = Unmanaged.passRetained(self).toOpaque()
    array.pointee.release = { array in
      guard let array, let data = array.pointee.private_data else { return }
      array.pointee.release = nil
      array.pointee.private_data = nil
      Unmanaged<ExportedArray>.fromOpaque(data).release()
    }
  }
}

extension ExportedColumn {
  /// Writes the column as an Arrow array; its `release` frees it.
  func export(to array: UnsafeMutablePointer<ArrowArray>) {
    ExportedArray(owner: owner, buffers: buffers, childCount: 0)
      .fill(array, length: length, offset: offset, nullCount: nullCount, bufferCount: buffers.count)
  }

  /// Writes columns as the struct array of a batch.
  static func export(
    _ columns: [ExportedColumn], rowCount: Int, to array: UnsafeMutablePointer<ArrowArray>
  ) {
    let parent = ExportedArray(owner: nil, buffers: [nil], childCount: columns.count)
    for (index, column) in columns.enumerated() {
      if let child = parent.children[index] { column.export(to: child) }
    }
    parent.fill(array, length: rowCount, offset: 0, nullCount: 0, bufferCount: 1)
  }
}
