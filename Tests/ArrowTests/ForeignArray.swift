import CVolley
import Synchronization

/// A C array made by hand, with any fault one likes, that counts its releases.
final class ForeignArray: Sendable {
  let releases = Atomic<Int>(0)

  /// - Parameter buffers: nil for NULL. The memory lives until the array is released.
  /// - Parameter children: moved.
  func array(
    length: Int, offset: Int = 0, nullCount: Int = 0, buffers: [[UInt8]?], children: [ArrowArray] = []
  ) -> ArrowArray {
    let content = Content(owner: self, buffers: buffers, children: children)
    return ArrowArray(
      length: Int64(length), null_count: Int64(nullCount), offset: Int64(offset), n_buffers: Int64(buffers.count),
      n_children: Int64(children.count), buffers: content.pointers.baseAddress,
      children: content.childPointers.baseAddress, dictionary: nil,
      release: { array in
        guard let array, array.pointee.release != nil else { return }
        let content = Unmanaged<Content>.fromOpaque(array.pointee.private_data).takeRetainedValue()
        for child in content.childPointers {
          if let child, let release = child.pointee.release { release(child) }
        }
        content.owner.releases.wrappingAdd(1, ordering: .relaxed)
        array.pointee.release = nil
      }, private_data: Unmanaged.passRetained(content).toOpaque())
  }

  private final class Content {
    let owner: ForeignArray
    let memory: [UnsafeMutableRawBufferPointer]
    let pointers: UnsafeMutableBufferPointer<UnsafeRawPointer?>
    let childPointers: UnsafeMutableBufferPointer<UnsafeMutablePointer<ArrowArray>?>

    init(owner: ForeignArray, buffers: [[UInt8]?], children: [ArrowArray]) {
      self.owner = owner
      var memory: [UnsafeMutableRawBufferPointer] = []
      pointers = .allocate(capacity: buffers.count)
      for (index, bytes) in buffers.enumerated() {
        guard let bytes else {
          pointers.initializeElement(at: index, to: nil)
          continue
        }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 64)
        copy.copyBytes(from: bytes)
        memory.append(copy)
        pointers.initializeElement(at: index, to: UnsafeRawPointer(copy.baseAddress!))
      }
      self.memory = memory
      childPointers = .allocate(capacity: children.count)
      for (index, child) in children.enumerated() {
        let pointer = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
        pointer.initialize(to: child)
        childPointers.initializeElement(at: index, to: pointer)
      }
    }

    deinit {
      for buffer in memory { buffer.deallocate() }
      for child in childPointers { child?.deallocate() }
      pointers.deallocate()
      childPointers.deallocate()
    }
  }

  static func bytes<Value: FixedWidthInteger>(_ values: [Value]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  }
}
