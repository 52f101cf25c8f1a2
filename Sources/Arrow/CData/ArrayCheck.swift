import Base
import CVolley

/// Checks an imported array before anything of it is used. Whoever made it may have any bug.
struct ArrayCheck {
  /// "column 'price'", "a batch".
  private let subject: String
  private let array: ArrowArray

  init(_ subject: String, _ array: ArrowArray) {
    self.subject = subject
    self.array = array
  }

  static func refusal(_ subject: String, _ finding: String) -> Failure {
    Failure(.plugin, "\(subject) received through the Arrow C data interface \(finding)")
  }

  func refusal(_ finding: String) -> Failure { Self.refusal(subject, finding) }

  /// Rows that an array may have, with those skipped: row indices are UInt32.
  private static let largestLength = Int64(UInt32.max)

  /// Numbers that must be in range before they are computed with, and pointers that must be there.
  func shape(_ layout: Layout, children: Int) throws(Failure) {
    guard array.length >= 0, array.offset >= 0, array.length <= Self.largestLength, array.offset <= Self.largestLength
    else { throw refusal("has \(array.length) rows from row \(array.offset) on; both must be 0 to 2^32 - 1") }
    guard array.null_count >= -1, array.null_count <= array.length else {
      throw refusal("has \(array.length) rows and \(array.null_count) nulls; expected are 0 to \(array.length), or -1")
    }
    if let buffers = layout.importedBufferCount {
      guard array.n_buffers == buffers else {
        throw refusal("has \(array.n_buffers) buffers, where its type has \(buffers)")
      }
    } else {
      // A view numbers its buffer in 32 bits.
      guard array.n_buffers >= 3, array.n_buffers <= Int64(Int32.max) else {
        throw refusal("has \(array.n_buffers) buffers, where its type has 3 to 2147483647")
      }
    }
    guard array.n_children == children else {
      throw refusal("has \(array.n_children) children, where its type has \(children)")
    }
    if layout.isDictionary {
      guard array.dictionary != nil else { throw refusal("has no dictionary, where its type has one") }
    } else {
      guard array.dictionary == nil else { throw refusal("is dictionary-encoded, where its type is not") }
    }
    guard array.n_buffers == 0 || array.buffers != nil else {
      throw refusal("has NULL where its \(array.n_buffers) buffers are expected")
    }
    guard children == 0 || array.children != nil else {
      throw refusal("has NULL where its \(children) children are expected")
    }
  }

  /// Refuses nulls of the array itself.
  func noNulls(_ rule: String) throws(Failure) {
    guard array.null_count != 0, let bits = array.buffers[0] else {
      guard array.null_count <= 0 else { throw refusal("has \(array.null_count) nulls; \(rule)") }
      return
    }
    let length = Int(array.length)
    let nulls = length - Bitmap.countOnes(bits, Int(array.offset), count: length)
    guard nulls == 0 else { throw refusal("has \(nulls) nulls; \(rule)") }
  }

  /// The validity of `length` rows from `offset` on, nil when none of them is known to be null.
  func validity(_ offset: Int, _ length: Int, nullable: Bool, owner: ImportedArray) throws(Failure) -> Buffer? {
    if array.null_count == 0 || length == 0 { return nil }
    guard let bits = array.buffers[0] else {
      // Nulls of unknown number without a bitmap are none.
      guard array.null_count < 0 else {
        throw refusal("has \(array.null_count) nulls, but NULL as its validity bitmap")
      }
      return nil
    }
    guard nullable else {
      let nulls = length - Bitmap.countOnes(bits, offset, count: length)
      guard nulls == 0 else { throw refusal("has \(nulls) nulls, but is declared as never null") }
      return nil
    }
    return Buffer(foreign: bits, byteCount: Bitmap.byteCount(offset + length), owner: owner)
  }
}
