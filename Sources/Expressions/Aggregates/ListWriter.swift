import Arrow
import Base
import VolleyPlan

/// Writes a list column whose items are named by numbers of somebody's.
final class ListWriter {
  private let offsets: Buffer
  private var numbers = SlotStates<Int64>(initial: 0)
  private var row = 0
  private let length: Int

  /// - Parameter count: the rows that are to be appended.
  init(_ count: Int) {
    length = count
    offsets = Buffer(byteCount: (count + 1) * 4)
    offsets.unsafeMutableValues(Int32.self)[0] = 0
  }

  deinit { numbers.deallocate() }

  /// A list of that many items, whose numbers are to be written before the next call.
  func append(_ count: Int) throws(Failure) -> UnsafeMutablePointer<Int64> {
    let start = numbers.count
    guard start + count <= Int(Int32.max) else { throw ColumnTooLong.failure(.list(of: .null)) }
    try numbers.grow(to: start + count)
    row += 1
    offsets.unsafeMutableValues(Int32.self)[row] = Int32(truncatingIfNeeded: start + count)
    return numbers.base + start
  }

  /// How many items there are, and their numbers.
  var items: UnsafeBufferPointer<Int64> { UnsafeBufferPointer(start: numbers.base, count: numbers.count) }

  /// The lists of these items; those of nothing are null when asked for.
  func finish(_ items: Column, emptyIsNull: Bool) -> Column {
    precondition(row == length && items.length == numbers.count, "a list is written for each row, with its items")
    let ends = offsets.values(Int32.self)
    var nulls = false
    let words = Words(count: length) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows {
        let isValid = ends[start &+ bit &+ 1] > ends[start &+ bit]
        nulls = nulls || !isValid
        word |= (isValid ? 1 : 0) << UInt64(bit)
      }
      return word
    }
    return Column(
      type: .list(of: items.type), length: length, validity: nulls && emptyIsNull ? words.buffer : nil,
      buffers: [offsets], children: [items])
  }

  func finish(_ values: ValuePool) throws(Failure) -> Column {
    finish(try values.gather(numbers.base, count: numbers.count), emptyIsNull: true)
  }
}
