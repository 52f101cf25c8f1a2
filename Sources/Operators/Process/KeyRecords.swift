import Base
import State

/// What is known of a key, all in one place: a call looks at it for each of its keys.
struct KeyRecord: BitwiseCopyable {
  /// States, entries and timers that the key has.
  var references: UInt32 = 0
  /// The key's place in the call in progress, or in the last one that it was in.
  var place: UInt32 = 0
}

/// The records of keys by slot. Valid until slots are added, or timers come to keys that had none.
struct KeyRecords {
  private let memory: UnsafeMutableRawPointer
  /// log2 of the bytes of a slot.
  private let shift: Int

  fileprivate init(_ memory: UnsafeMutableRawPointer, shift: Int) {
    self.memory = memory
    self.shift = shift
  }

  @inline(__always)  // A part of loops over keys.
  subscript(_ slot: UInt32) -> UnsafeMutablePointer<KeyRecord> {
    (memory + Int(slot) &<< shift).assumingMemoryBound(to: KeyRecord.self)
  }

  /// The times of the keys' timers. Of keys that have room for them.
  var times: SlotTimesMemory { SlotTimesMemory(first: memory + MemoryLayout<KeyRecord>.size, shift: shift) }
}

/// Memory of the records: eight bytes a key, and a line of the cache from the first timer on, whose times lie behind them.
final class KeyRecordMemory {
  private var words = SlotColumn<UInt64>(initial: 0)
  /// log2 of the words of a slot.
  private var shift = 0

  private static let timedShift = 3

  init() {
    precondition(
      MemoryLayout<KeyRecord>.size + SlotTimes.byteCount == 8 << Self.timedShift,
      "a key's record and the times of its timers take a line of the cache")
  }

  var byteCount: Int { words.byteCount }
  var slotCount: Int { words.count >> shift }
  func growth(to slotCount: Int) -> Int { words.growth(to: slotCount << shift) }
  func grow(to slotCount: Int) { words.grow(to: slotCount << shift) }

  var records: KeyRecords { KeyRecords(UnsafeMutableRawPointer(words.values), shift: shift + 3) }

  /// Makes room for times of timers, which the records then have to the end.
  func makeRoomForTimers() {
    guard shift == 0 else { return }
    let (former, count) = (words, words.count)
    shift = Self.timedShift
    words = SlotColumn(initial: 0)
    grow(to: count)
    for slot in 0..<count { words.values[slot << shift] = former.values[slot] }
  }
}
