import CVolley

/// A column that goes to the host: buffers, and what keeps them alive.
struct ExportedColumn {
  var length: Int
  var offset: Int
  var nullCount: Int
  var buffers: [UnsafeRawPointer?]
  /// The columns inside of it: items, fields, entries.
  var children: [ExportedColumn] = []
  /// The values that a dictionary's indices stand for: none or one.
  var dictionary: [ExportedColumn] = []
  var owner: AnyObject
}

extension ExportedColumn {
  /// What an array holds, with all that is inside of it and without a copy.
  ///
  /// - Parameter owner: keeps the array's memory alive.
  init(borrowing array: borrowing ArrowArray, owner: AnyObject) throws(VolleyError) {
    var buffers: [UnsafeRawPointer?] = []
    for index in 0..<Int(array.n_buffers) { buffers.append(array.buffers?[index].map { UnsafeRawPointer($0) }) }
    self.init(
      length: Int(array.length), offset: Int(array.offset), nullCount: Int(array.null_count), buffers: buffers,
      owner: owner)
    for index in 0..<Int(array.n_children) {
      guard let child = array.children?[index] else {
        throw VolleyError("a batch came with a column that lacks its child \(index)", domain: .internal)
      }
      children.append(try ExportedColumn(borrowing: child.pointee, owner: owner))
    }
    if let values = array.dictionary { dictionary = [try ExportedColumn(borrowing: values.pointee, owner: owner)] }
  }
}

/// What an exported array points to; freed by the array's `release`.
private final class ExportedArray {
  let owner: AnyObject?
  let buffers: UnsafeMutablePointer<UnsafeRawPointer?>
  let children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
  let childCount: Int
  let dictionary: UnsafeMutablePointer<ArrowArray>?

  init(owner: AnyObject?, buffers: [UnsafeRawPointer?], childCount: Int, hasDictionary: Bool = false) {
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
    dictionary = hasDictionary ? .allocate(capacity: 1) : nil
    dictionary?.initialize(to: ArrowArray())
  }

  /// A consumer may have moved a child away: then its `release` is nil.
  deinit {
    for index in 0..<childCount {
      guard let child = children[index] else { continue }
      child.pointee.release?(child)
      child.deallocate()
    }
    if let dictionary {
      dictionary.pointee.release?(dictionary)
      dictionary.deallocate()
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
    array.pointee.dictionary = dictionary
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
    let exported = ExportedArray(
      owner: owner, buffers: buffers, childCount: children.count, hasDictionary: !dictionary.isEmpty)
    for (index, column) in children.enumerated() {
      if let child = exported.children[index] { column.export(to: child) }
    }
    if let values = exported.dictionary { dictionary.first?.export(to: values) }
    exported.fill(array, length: length, offset: offset, nullCount: nullCount, bufferCount: buffers.count)
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
