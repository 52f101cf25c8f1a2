import Arrow

/// What a store has to know of its rows so that those that changed can be told.
///
/// A row has a number in a sequence, above those of all rows that came before it. With the row's key that names it for ever, since
/// the rows of a key are in one store.
final class RowNotes {
  /// By number of a row.
  let sequences = SlotColumn<UInt64>(initial: 0)
  /// By number of a row.
  let changes = SlotChanges()
  private var nextSequence: UInt64 = 0
  /// Of rows that were taken and are removed.
  var removed = RemovedRows()
  /// Whether a mark that comes or goes is a change.
  let notesMarks: Bool

  init(notesMarks: Bool) { self.notesMarks = notesMarks }

  var byteCount: Int { sequences.byteCount + changes.byteCount + removed.byteCount }

  func growth(to numberCount: Int) -> Int { sequences.growth(to: numberCount) + changes.growth(to: numberCount) }

  func append(_ numbers: UnsafePointer<UInt32>, count: Int, numberCount: Int) {
    sequences.grow(to: numberCount)
    for row in 0..<count {
      sequences.values[Int(numbers[row])] = nextSequence &+ UInt64(truncatingIfNeeded: row)
    }
    nextSequence += UInt64(count)
    changes.mark(numbers, count: count, slotCount: numberCount)
  }

  /// Rows that were just appended had these numbers in the sequence before, and are no changes.
  func setRestored(_ numbers: UnsafePointer<UInt32>, count: Int, _ sequences: UnsafePointer<UInt64>) {
    _ = changes.forget(numbers, count: count)
    changes.markStored(numbers, count: count, slotCount: self.sequences.count)
    for row in 0..<count {
      self.sequences.values[Int(numbers[row])] = sequences[row]
      nextSequence = max(nextSequence, sequences[row] + 1)
    }
  }

  /// Rows that are about to be removed, or were just now.
  func remove(_ numbers: UnsafePointer<UInt32>, count: Int, _ entries: UnsafePointer<RowStore.Entry>) {
    guard let taken = changes.forget(numbers, count: count) else { return }
    note(taken, entries)
  }

  /// All rows are about to be removed.
  func removeAll(_ entries: UnsafePointer<RowStore.Entry>) {
    if let taken = changes.forgetAll() { note(taken, entries) }
  }

  private func note(_ taken: Selection, _ entries: UnsafePointer<RowStore.Entry>) {
    for index in 0..<taken.count {
      let number = Int(taken.rows[index])
      removed.append(entries[number].slot, sequences.values[number])
    }
    withExtendedLifetime(taken) {}
  }
}

/// Names of rows.
struct RemovedRows {
  private(set) var slots: [UInt32] = []
  private(set) var sequences: [UInt64] = []

  var count: Int { slots.count }
  var byteCount: Int { slots.capacity * 4 + sequences.capacity * 8 }

  mutating func append(_ slot: UInt32, _ sequence: UInt64) {
    slots.append(slot)
    sequences.append(sequence)
  }
}
