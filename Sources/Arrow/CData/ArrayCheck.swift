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
      guard array.n_buffers >= 3 else {
        throw refusal("has \(array.n_buffers) buffers, where its type has three or more")
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

  /// Checks that the `count + 1` offsets never fall and that none is negative, and returns the last one.
  func offsets<Offset: FixedWidthInteger & SignedInteger>(
    _ offsets: UnsafePointer<Offset>, count: Int
  ) throws(Failure) -> Int {
    // A difference of two offsets that are not negative does not overflow, so a sign bit anywhere means a fault.
    var signs = offsets[count]
    for row in 0..<count { signs |= offsets[row] | (offsets[row &+ 1] &- offsets[row]) }
    if signs >= 0 { return Int(offsets[count]) }
    for row in 0..<count where offsets[row] < 0 || offsets[row + 1] < offsets[row] {
      throw refusal(
        "says that row \(row) is bytes \(offsets[row]) to \(offsets[row + 1]); "
          + "string offsets must start at 0 or later and never fall")
    }
    throw refusal("ends its strings at byte \(offsets[count]); string offsets must never be negative")
  }

  /// Checks what the rows say about the memory behind them: items, dictionary values and viewed bytes that must be there.
  func contents(_ column: Column) throws(Failure) {
    switch column.type.layout {
    case .list32, .list64:
      let end = column.itemRange(0..<column.length).upperBound
      guard end <= column.children[0].length else {
        throw refusal("has lists up to item \(end), and only \(column.children[0].length) items")
      }
    case .dictionary:
      let count = column.children[0].length
      for row in 0..<column.length where column.isValid(row) {
        let index = column.dictionaryIndex(row)
        guard index >= 0, index < count else {
          throw refusal("has index \(index) in row \(row), and only \(count) values in its dictionary")
        }
      }
    case .view:
      for row in 0..<column.length where column.isValid(row) { try view(column, row) }
    default: break
    }
  }

  private func view(_ column: Column, _ row: Int) throws(Failure) {
    let view = column.views[row]
    guard view.length >= 0 else { throw refusal("has a view of \(view.length) bytes in row \(row)") }
    if view.isInline { return }
    let index = Int(view.bufferIndex)
    guard index >= 0, index < column.buffers.count - 1 else {
      throw refusal("has a view into buffer \(index) in row \(row), and only \(column.buffers.count - 1) buffers")
    }
    let end = Int(view.bufferOffset) + Int(view.length)
    guard view.bufferOffset >= 0, end <= column.buffers[1 + index].byteCount else {
      throw refusal(
        "has a view of bytes \(view.bufferOffset) to \(end) in row \(row), of a buffer of "
          + "\(column.buffers[1 + index].byteCount)")
    }
  }
}
