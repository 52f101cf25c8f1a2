import Arrow
import Base

/// Which rows have changed, for what outlives the process.
extension RowStore {
  /// Notes from here on which rows change. Before the first row.
  ///
  /// - Parameter notingMarks: whether a mark that comes or goes is a change.
  public func trackChanges(notingMarks: Bool) {
    precondition(entries.count == 0, "the changes of rows are noted from the first row on")
    notes = RowNotes(notesMarks: notingMarks)
  }

  /// What others keep by the numbers of these rows has changed.
  public func noteChange(of numbers: UnsafePointer<UInt32>, count: Int) {
    notes?.changes.mark(numbers, count: count, slotCount: entries.count)
  }

  /// All rows are to be told again.
  public func noteChangeOfAll() {
    let numbers = (0..<entries.count).filter { entries.values[$0].address != nil }.map { UInt32($0) }
    noteChange(of: numbers, count: numbers.count)
  }

  /// Calls `body` with the numbers of the rows that are new or have changed since this was asked last.
  func takeChanged(_ body: (Selection) throws(Failure) -> Void) throws(Failure) { try notes?.changes.take(body) }

  /// The rows that this has not told yet which were removed though they had been taken or restored. Asked before one of their slots
  /// goes to another key.
  func takeRemoved() -> RemovedRows {
    guard let notes, notes.removed.count > 0 else { return RemovedRows() }
    defer { notes.removed = RemovedRows() }
    return notes.removed
  }

  /// The sequence numbers of rows: of the rows of a slot, each has a higher one than those appended before it.
  public func sequences(
    of numbers: UnsafePointer<UInt32>, count: Int, into sequences: UnsafeMutablePointer<UInt64>
  ) {
    guard let notes else { preconditionFailure("rows have sequence numbers when changes are tracked") }
    for index in 0..<count { sequences[index] = notes.sequences.values[Int(numbers[index])] }
  }

  /// Rows that were just appended are known already by these sequence numbers, and so are no changes.
  public func setRestored(_ numbers: UnsafePointer<UInt32>, count: Int, sequences: UnsafePointer<UInt64>) {
    notes?.setRestored(numbers, count: count, sequences)
  }

  /// A row of this number in the sequence, which has not come back, is gone.
  public func noteRemoval(of sequence: UInt64, slot: UInt32) { notes?.removed.append(slot, sequence) }

  /// Of rows that are about to be marked, or to lose their marks, notes those for which that is a change.
  func noteMarks(_ numbers: UnsafePointer<UInt32>, count: Int, to mark: UInt32) {
    guard let notes, notes.notesMarks else { return }
    let entries = entries.values
    var changed: [UInt32] = []
    for index in 0..<count where entries[Int(numbers[index])].state & Entry.markBit != mark {
      changed.append(numbers[index])
    }
    if !changed.isEmpty { notes.changes.mark(changed, count: changed.count, slotCount: self.entries.count) }
  }
}
