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

extension Layout {
  /// Buffers beside the validity.
  var bufferCount: Int {
    switch self {
    case .bits, .fixed: 1
    case .variable32: 2
    }
  }
}
