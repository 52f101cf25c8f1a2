import State

/// What has to be known of partial matches so that those that changed can be told.
///
/// A match has a number in the sequence in which they began, which with its key names it for ever. One thread at a time.
final class MatchNotes {
  /// By match.
  private let sequences = SlotColumn<UInt64>(initial: 0)
  private let slots = SlotColumn<UInt32>(initial: 0)
  let changes = SlotChanges()
  private var next: UInt64 = 0
  /// Matches that are gone though they were taken or restored.
  private var gone: (slots: [UInt32], sequences: [UInt64]) = ([], [])

  var byteCount: Int {
    sequences.byteCount + slots.byteCount + changes.byteCount + gone.slots.capacity * 4 + gone.sequences.capacity * 8
  }

  func slot(_ match: UInt32) -> UInt32 { slots.values[Int(match)] }
  func sequence(_ match: UInt32) -> UInt64 { sequences.values[Int(match)] }

  func begin(_ match: UInt32, of slot: UInt32) {
    set(match, slot, next)
    change(match)
  }

  func change(_ match: UInt32) {
    var match = match
    changes.mark(&match, count: 1, slotCount: sequences.count)
  }

  func restore(_ match: UInt32, of slot: UInt32, sequence: UInt64) {
    set(match, slot, sequence)
    var match = match
    changes.markStored(&match, count: 1, slotCount: sequences.count)
  }

  private func set(_ match: UInt32, _ slot: UInt32, _ sequence: UInt64) {
    sequences.grow(to: Int(match) + 1)
    slots.grow(to: Int(match) + 1)
    sequences.values[Int(match)] = sequence
    slots.values[Int(match)] = slot
    next = max(next, sequence + 1)
  }

  func forget(_ match: UInt32) {
    guard changes.forget(match) else { return }
    gone.slots.append(slot(match))
    gone.sequences.append(sequence(match))
  }

  func takeGone() -> (slots: [UInt32], sequences: [UInt64]) {
    defer { gone = ([], []) }
    return gone
  }
}
