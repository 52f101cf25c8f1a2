import Arrow
import State

/// Which rows of a batch have found a partner.
struct RowMarks {
  private var marks: [Bool]
  private var markedCount = 0

  init(count: Int) { marks = [Bool](repeating: false, count: count) }

  mutating func mark(_ rows: Selection) {
    let pointer = rows.rows
    marks.withUnsafeMutableBufferPointer { marks in
      for index in 0..<rows.count {
        let row = Int(pointer[index])
        if !marks[row] {
          marks[row] = true
          markedCount &+= 1
        }
      }
    }
    withExtendedLifetime(rows) {}
  }

  func isMarked(_ row: Int) -> Bool { marks[row] }

  /// The rows that have one; nil when there are none.
  func marked() -> Selection? { markedCount == 0 ? nil : selection(of: true, count: markedCount) }

  /// The rows that have none; nil when there are none.
  func unmarked() -> Selection? {
    markedCount == marks.count ? nil : selection(of: false, count: marks.count - markedCount)
  }

  /// What `values` has of the rows that have one.
  func marked(_ values: SlotBuffer) -> SlotBuffer {
    guard let marked = marked() else { return SlotBuffer(count: 0) }
    return values.gather(marked)
  }

  private func selection(of wanted: Bool, count: Int) -> Selection {
    let buffer = SlotBuffer(count: count)
    let target = buffer.pointer
    var found = 0
    for row in marks.indices where marks[row] == wanted {
      target[found] = UInt32(truncatingIfNeeded: row)
      found &+= 1
    }
    return buffer.selection
  }
}

extension RowStore {
  /// Marks rows; a number may come more than once.
  ///
  /// - Returns: those that had no mark, each once, in order.
  func markingFirst(_ numbers: Selection) -> Selection {
    let first = SlotBuffer(count: numbers.count)
    let count = markFirst(numbers.rows, count: numbers.count, into: first.pointer)
    return first.selection.prefix(count)
  }

  func mark(_ numbers: SlotBuffer) { mark(numbers.pointer, count: numbers.count) }
}
