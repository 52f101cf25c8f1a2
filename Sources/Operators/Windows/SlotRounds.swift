import State

/// Slots that have been met in this round. A new round costs nothing.
struct SlotRounds {
  /// By slot: the last round in which it was met.
  private let rounds = SlotColumn<UInt32>(initial: 0)
  private var round: UInt32

  /// - Parameter round: how many rounds there have been, for tests.
  init(round: UInt32 = 0) { self.round = round }

  /// Bytes of memory that it holds.
  var byteCount: Int { rounds.byteCount }

  /// Begins a round, in which no slot has been met. Slots are below `slotCount`.
  mutating func begin(slotCount: Int) {
    rounds.grow(to: slotCount)
    if round == .max {
      rounds.values.update(repeating: 0, count: rounds.count)
      round = 0
    }
    round += 1
  }

  func contains(_ slot: UInt32) -> Bool { rounds.values[Int(slot)] == round }

  /// - Returns: whether this is the first time in the round.
  func insert(_ slot: UInt32) -> Bool {
    let isNew = rounds.values[Int(slot)] != round
    rounds.values[Int(slot)] = round
    return isNew
  }
}
