import Arrow
import Base
import Dataflow
import State

/// Forgets keys that have not changed for some processing time.
final class SlotExpiry {
  private let timeToLive: TimeToLive
  private let clock: SubtaskClock

  /// - Parameter duration: microseconds.
  init(_ duration: Int64, _ clock: SubtaskClock) {
    timeToLive = TimeToLive(duration: duration)
    self.clock = clock
  }

  var byteCount: Int { timeToLive.byteCount }

  /// Bytes that a batch of so many rows may add at worst.
  func growth(_ rows: Int, _ table: any KeyTable) -> Int {
    timeToLive.growth(to: table.slotCount + rows, touching: rows)
  }

  /// These slots have changed.
  func touch(_ slots: [UInt32], _ table: any KeyTable) {
    timeToLive.grow(to: table.slotCount)
    timeToLive.touch(slots, count: slots.count, at: clock.now.microseconds)
  }

  /// Before a batch: removes the keys of slots that have expired.
  ///
  /// - Parameter reset: forgets what is kept of slots, whose keys are there yet.
  func expire(
    _ table: any KeyTable, _ reset: (UnsafePointer<UInt32>, Int) throws(Failure) -> Void
  ) throws(Failure) {
    let now = clock.now.microseconds
    while true {
      let expired = timeToLive.popExpired(at: now)
      if expired.isEmpty { return }
      let slots = expired.map(\.slot)
      try reset(slots, slots.count)
      table.remove(slots, count: slots.count)
    }
  }

  /// When keys are looked for that changed last at these times.
  func dueTimes(_ written: Column) -> [Int64] {
    let times = written.values(Int64.self)
    return (0..<written.length).map { row in
      guard written.isValid(row) else { return .max }
      // In rounds, so that many are looked for together.
      let (due, overflow) = times[row].addingReportingOverflow(timeToLive.duration)
      return overflow || due > .max - 2 * Self.round ? .max : (due / Self.round + 2) * Self.round
    }
  }

  private static let round: Int64 = 1_000_000

  /// When slots changed last.
  func writtenColumn(of slots: [UInt32]) -> Column { timeToLive.writtenColumn(of: slots) }

  /// Slots that come back live on from when they changed.
  func restore(_ slots: SlotBuffer, _ written: Column, _ table: any KeyTable) {
    timeToLive.grow(to: table.slotCount)
    timeToLive.restore(slots.pointer, count: slots.count, written, at: clock.now.microseconds)
  }
}
