import Base
import CVolley

/// The buffers of an imported array.
struct ArrayViews {
  var array: ArrowArray
  var owner: ImportedArray
  var check: ArrayCheck

  /// Stands in for the NULL of an array that has no use for a buffer.
  private static let empty = Buffer(byteCount: 0)

  /// A view of buffer `index`. Memory that is aligned less than its values are is copied, as the format allows it and
  /// kernels do not. NULL will do where there are no bytes.
  func buffer(_ index: Int, byteCount: Int, alignment: Int) throws(Failure) -> Buffer {
    guard let address = array.buffers[index] else {
      guard byteCount == 0 else {
        throw check.refusal("has NULL as buffer \(index), where \(byteCount) bytes are expected")
      }
      return Self.empty
    }
    if UInt(bitPattern: address) % UInt(alignment) == 0 {
      return Buffer(foreign: address, byteCount: byteCount, owner: owner)
    }
    let copy = Buffer(byteCount: byteCount)
    copy.unsafeMutableAddress.copyMemory(from: address, byteCount: byteCount)
    return copy
  }
}

extension ArrayViews {
  /// The buffers of rows `0 ..< end`, as long as these need them. What the values say is not checked.
  func buffers(_ layout: Layout, end: Int) throws(Failure) -> [Buffer] {
    switch layout {
    case .none, .fixedList, .record: return []
    case .bits: return [try buffer(1, byteCount: Bitmap.byteCount(end), alignment: 1)]
    case .fixed(let width), .dictionary(let width):
      // Values of 16 bytes are read with instructions that need their alignment.
      return [try buffer(1, byteCount: end * width, alignment: max(1, min(width & -width, 16)))]
    case .variable32:
      let offsets = try buffer(1, byteCount: (end + 1) * 4, alignment: 4)
      let byteCount = max(0, Int(offsets.values(Int32.self)[end]))
      return [offsets, try buffer(2, byteCount: byteCount, alignment: 1)]
    case .variable64:
      let offsets = try buffer(1, byteCount: (end + 1) * 8, alignment: 8)
      let byteCount = max(0, Int(offsets.values(Int64.self)[end]))
      return [offsets, try buffer(2, byteCount: byteCount, alignment: 1)]
    case .list32: return [try buffer(1, byteCount: (end + 1) * 4, alignment: 4)]
    case .list64: return [try buffer(1, byteCount: (end + 1) * 8, alignment: 8)]
    case .view: return try viewBuffers(end: end)
    }
  }

  private func viewBuffers(end: Int) throws(Failure) -> [Buffer] {
    // Validity, views, the buffers, and how many bytes each of these has.
    let count = Int(array.n_buffers) - 3
    var buffers = [try buffer(1, byteCount: end * 16, alignment: 4)]
    if count == 0 { return buffers }
    let sizes = try buffer(2 + count, byteCount: count * 8, alignment: 8)
    for index in 0..<count {
      let size = withExtendedLifetime(sizes) { sizes.values(Int64.self)[index] }
      guard size >= 0, size <= Int64(Int32.max) else {
        throw check.refusal("says that buffer \(2 + index) has \(size) bytes; expected are 0 to 2147483647")
      }
      buffers.append(try buffer(2 + index, byteCount: Int(size), alignment: 1))
    }
    return buffers
  }
}

extension Layout {
  /// Buffers of an imported array, the validity included; nil: three or more.
  var importedBufferCount: Int? {
    switch self {
    case .none: 0
    case .fixedList, .record: 1
    case .bits, .fixed, .list32, .list64, .dictionary: 2
    case .variable32, .variable64: 3
    case .view: nil
    }
  }

  var isDictionary: Bool { if case .dictionary = self { true } else { false } }
}
