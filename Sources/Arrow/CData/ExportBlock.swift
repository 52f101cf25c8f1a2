import CVolley
import Synchronization

/// The private memory of one export: a single pooled block with the structs of all children, their pointers, and a
/// reference to each buffer.
///
/// A receiver may move children out of their parent and release them later, on any thread, so the block lives until the
/// last of its structs is released.
struct ExportBlock {
  /// First in the block.
  struct Header: ~Copyable {
    /// Structs not yet released, the root included.
    let live: Atomic<Int>
    let capacity: Int
    let ledger: Unmanaged<ExportLedger>?
  }

  /// What a struct's `private_data` points to.
  struct Node {
    let header: UnsafeMutablePointer<Header>
    let owners: UnsafeMutablePointer<Unmanaged<Buffer>>
    var ownerCount: Int
    let children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
    let childCount: Int
  }

  /// How many of each thing a block holds.
  private struct Counts {
    /// Structs, the root included.
    var arrays = 1
    /// Pointers to buffers, NULL included.
    var buffers = 0

    mutating func add(_ columns: [Column]) {
      for column in columns {
        arrays += 1
        buffers += column.exportedBufferCount
        if !column.children.isEmpty { add(column.children) }
      }
    }
  }

  private let header: UnsafeMutablePointer<Header>
  private var nodes: UnsafeMutablePointer<Node>
  private var arrays: UnsafeMutablePointer<ArrowArray>
  private var pointers: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
  private var buffers: UnsafeMutablePointer<UnsafeRawPointer?>
  private var owners: UnsafeMutablePointer<Unmanaged<Buffer>>

  /// - Parameter rootBuffers: pointers to buffers of the root itself.
  private init(_ counts: Counts, ledger: ExportLedger?) {
    // Every part is a multiple of a word, and so is where it starts.
    let children = counts.arrays - 1
    let headerSize = MemoryLayout<Header>.stride
    let nodesSize = counts.arrays * MemoryLayout<Node>.stride
    let arraysSize = children * MemoryLayout<ArrowArray>.stride
    let pointersSize = children * MemoryLayout<UnsafeRawPointer>.stride
    let buffersSize = counts.buffers * MemoryLayout<UnsafeRawPointer>.stride
    let (block, capacity) = BufferPool.allocate(
      atLeast: headerSize + nodesSize + arraysSize + pointersSize + 2 * buffersSize)
    header = block.bindMemory(to: Header.self, capacity: 1)
    header.initialize(
      to: Header(live: Atomic(counts.arrays), capacity: capacity, ledger: ledger.map { Unmanaged.passRetained($0) }))
    var next = block + headerSize
    nodes = next.bindMemory(to: Node.self, capacity: counts.arrays)
    next += nodesSize
    arrays = next.bindMemory(to: ArrowArray.self, capacity: children)
    next += arraysSize
    pointers = next.bindMemory(to: UnsafeMutablePointer<ArrowArray>?.self, capacity: children)
    next += pointersSize
    buffers = next.bindMemory(to: UnsafeRawPointer?.self, capacity: counts.buffers)
    next += buffersSize
    owners = next.bindMemory(to: Unmanaged<Buffer>.self, capacity: counts.buffers)
    ledger?.exported()
  }

  /// A struct array of these columns.
  static func export(
    _ columns: [Column], length: Int, into target: UnsafeMutablePointer<ArrowArray>, ledger: ExportLedger?
  ) {
    var counts = Counts()
    counts.buffers = 1
    counts.add(columns)
    var block = ExportBlock(counts, ledger: ledger)
    block.write(
      to: target, length: length, offset: 0, nullCount: 0, validity: nil, buffers: [], children: columns)
  }

  /// An array of one column.
  static func export(_ column: Column, into target: UnsafeMutablePointer<ArrowArray>, ledger: ExportLedger?) {
    var counts = Counts()
    counts.buffers = column.exportedBufferCount
    counts.add(column.children)
    var block = ExportBlock(counts, ledger: ledger)
    block.write(column, to: target)
  }

  private mutating func write(_ column: Column, to target: UnsafeMutablePointer<ArrowArray>) {
    // Without rows the offset means nothing, and Arrow C++ trips over one ("buffer slice would exceed buffer length").
    let offset = column.length == 0 ? 0 : column.offset
    var buffers = column.buffers
    var isDictionary = false
    switch column.type.layout {
    case .view: buffers.append(column.viewedByteCounts)
    case .dictionary: isDictionary = true
    default: break
    }
    write(
      to: target, length: column.length, offset: offset, nullCount: column.validity == nil ? 0 : -1,
      validity: column.validity, hasValidity: column.type != .null, buffers: buffers, children: column.children,
      isDictionary: isDictionary)
    if column.type == .null { target.pointee.null_count = Int64(column.length) }
  }

  /// - Parameter isDictionary: whether the only child is the dictionary.
  private mutating func write(
    to target: UnsafeMutablePointer<ArrowArray>, length: Int, offset: Int, nullCount: Int64, validity: Buffer?,
    hasValidity: Bool = true, buffers columnBuffers: [Buffer], children: [Column], isDictionary: Bool = false
  ) {
    let node = nodes
    nodes += 1
    let firstBuffer = buffers
    let firstOwner = owners
    let firstPointer = pointers
    let firstArray = arrays
    pointers += children.count
    arrays += children.count
    if hasValidity { addBuffer(validity) }
    for buffer in columnBuffers { addBuffer(buffer) }
    node.initialize(
      to: Node(
        header: header, owners: firstOwner, ownerCount: owners - firstOwner, children: firstPointer,
        childCount: children.count))
    let childCount = isDictionary ? 0 : children.count
    target.initialize(
      to: ArrowArray(
        length: Int64(length), null_count: nullCount, offset: Int64(offset),
        n_buffers: Int64((hasValidity ? 1 : 0) + columnBuffers.count), n_children: Int64(childCount),
        buffers: firstBuffer, children: childCount == 0 ? nil : firstPointer,
        dictionary: isDictionary ? firstArray : nil, release: releaseExportedArray, private_data: node))
    for (index, child) in children.enumerated() {
      firstPointer[index] = firstArray + index
      write(child, to: firstArray + index)
    }
  }

  private mutating func addBuffer(_ buffer: Buffer?) {
    buffers.initialize(to: buffer?.address)
    buffers += 1
    guard let buffer else { return }
    owners.initialize(to: Unmanaged.passRetained(buffer))
    owners += 1
  }

  /// One struct of the block has been released.
  fileprivate static func drop(_ header: UnsafeMutablePointer<Header>) {
    guard header.pointee.live.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    let ledger = header.pointee.ledger
    let capacity = header.pointee.capacity
    header.deinitialize(count: 1)
    BufferPool.free(UnsafeMutableRawPointer(header), capacity: capacity)
    if let ledger = ledger?.takeRetainedValue() { ledger.released() }
  }
}

extension Column {
  /// Pointers that an exported array has room for.
  fileprivate var exportedBufferCount: Int {
    switch type.layout {
    case .none: 0
    case .view: 2 + buffers.count
    default: 1 + buffers.count
    }
  }

  /// How many bytes each buffer behind the views has: the last buffer of an exported array.
  fileprivate var viewedByteCounts: Buffer {
    let counts = Buffer(byteCount: (buffers.count - 1) * 8)
    for (index, buffer) in buffers.dropFirst().enumerated() {
      counts.unsafeMutableValues(Int64.self)[index] = Int64(buffer.byteCount)
    }
    return counts
  }
}

/// The `release` of every exported array: children that are still there first, as the specification asks.
private func releaseExportedArray(_ array: UnsafeMutablePointer<ArrowArray>?) {
  guard let array, array.pointee.release != nil, let data = array.pointee.private_data else { return }
  let node = data.assumingMemoryBound(to: ExportBlock.Node.self).pointee
  for index in 0..<node.childCount {
    if let child = node.children[index], let release = child.pointee.release { release(child) }
  }
  for index in 0..<node.ownerCount { node.owners[index].release() }
  array.pointee.release = nil
  ExportBlock.drop(node.header)
}
