import Arrow
import State

/// Which of a key's versions hold when: of each key the versions are looked at once, however many times are asked for.
struct VersionWalk {
  let versions: RowStore
  /// By number of a version: the time from which on it does not hold; nil: each holds until the next one does.
  let ends: SlotColumn<Int64>?

  private static let blockRows = 8_192

  /// By row, the last version of its slot that is not later and holds, of several of one time the last to be appended;
  /// `RowStore.missing` where there is none.
  func holding(_ slots: SlotBuffer, at times: UnsafePointer<Int64>) -> SlotBuffer {
    let result = SlotBuffer(count: slots.count)
    result.pointer.update(repeating: RowStore.missing, count: slots.count)
    let rows = SlotRows(slots, times)
    var walk = KeyWalk(versions, ends)
    var current = 0
    var cursor = RowCursor()
    while true {
      let found = versions.match(
        rows.slots, count: rows.slots.count, to: rows.lastTimes, cursor: &cursor, limit: Self.blockRows)
      if found.count == 0 { break }
      let (indices, numbers) = (found.indices.values(UInt32.self), found.numbers.values(UInt32.self))
      for index in 0..<found.count {
        if Int(indices[index]) != current {
          walk.tell(rows.rows(current), times, into: result.pointer)
          current = Int(indices[index])
        }
        walk.numbers.append(numbers[index])
      }
      withExtendedLifetime(found) {}
    }
    if current < rows.slots.count { walk.tell(rows.rows(current), times, into: result.pointer) }
    return result
  }

  /// The versions of slots, each of which comes once, that do not hold at `time` or later.
  func former(_ slots: [UInt32], at time: Int64) -> [UInt32] {
    let limits = [Int64](repeating: time == .max ? .max : time - 1, count: slots.count)
    var gone: [UInt32] = []
    // Of the slot in hand.
    var (current, last, lastTime) = (UInt32.max, RowStore.missing, Int64.min)
    var cursor = RowCursor()
    while true {
      let found = versions.match(slots, count: slots.count, to: limits, cursor: &cursor, limit: Self.blockRows)
      if found.count == 0 { break }
      let (indices, numbers) = (found.indices.values(UInt32.self), found.numbers.values(UInt32.self))
      let about = VersionFacts(versions, numbers, found.count)
      for index in 0..<found.count {
        if let ends {
          if about.marks[index] || ends.values[Int(numbers[index])] <= time { gone.append(numbers[index]) }
          continue
        }
        if indices[index] != current { (current, last, lastTime) = (indices[index], RowStore.missing, .min) }
        if about.times[index] < lastTime {
          gone.append(numbers[index])
          continue
        }
        if last != RowStore.missing { gone.append(last) }
        (last, lastTime) = (numbers[index], about.times[index])
      }
      withExtendedLifetime(found) {}
    }
    return gone
  }
}

/// Rows by their slots, and those of a slot by their times.
private struct SlotRows {
  /// Each once.
  private(set) var slots: [UInt32] = []
  /// By slot.
  private(set) var lastTimes: [Int64] = []
  private var order: [Int] = []
  /// By slot, where its rows begin, and where the last ones end.
  private var starts: [Int] = []

  init(_ slotOf: SlotBuffer, _ times: UnsafePointer<Int64>) {
    var keys = (0..<slotOf.count).map { UInt64(slotOf.pointer[$0]) << 32 | UInt64($0) }
    keys.sort()
    order = keys.map { Int(truncatingIfNeeded: $0 & 0xFFFF_FFFF) }
    for (place, key) in keys.enumerated() where slots.last != UInt32(key >> 32) {
      slots.append(UInt32(key >> 32))
      starts.append(place)
    }
    starts.append(order.count)
    for index in slots.indices {
      let range = starts[index]..<starts[index + 1]
      // They come by their times, as a rule.
      if !range.dropFirst().allSatisfy({ times[order[$0 - 1]] <= times[order[$0]] }) {
        order[range].sort { times[$0] < times[$1] }
      }
      lastTimes.append(times[order[range.upperBound - 1]])
    }
  }

  func rows(_ slot: Int) -> ArraySlice<Int> { order[starts[slot]..<starts[slot + 1]] }
}

/// What a store knows of rows.
private struct VersionFacts {
  private(set) var times: [Int64]
  private(set) var marks: [Bool]

  init(_ versions: RowStore, _ numbers: UnsafePointer<UInt32>, _ count: Int) {
    times = [Int64](unsafeUninitializedCapacity: count) { buffer, filled in
      if let base = buffer.baseAddress { versions.times(of: numbers, count: count, into: base) }
      filled = count
    }
    marks = [Bool](unsafeUninitializedCapacity: count) { buffer, filled in
      if let base = buffer.baseAddress { versions.marks(of: numbers, count: count, into: base) }
      filled = count
    }
  }
}

/// The versions of one key.
private struct KeyWalk {
  /// In the order in which they came.
  var numbers: [UInt32] = []
  private let versions: RowStore
  private let ends: SlotColumn<Int64>?

  init(_ versions: RowStore, _ ends: SlotColumn<Int64>?) {
    self.versions = versions
    self.ends = ends
  }

  /// - Parameters:
  ///   - rows: by their times.
  ///   - result: by row; the version that holds is put there.
  mutating func tell(
    _ rows: ArraySlice<Int>, _ times: UnsafePointer<Int64>, into result: UnsafeMutablePointer<UInt32>
  ) {
    let about = VersionFacts(versions, numbers, numbers.count)
    var order = numbers.indices.filter { !about.marks[$0] }
    if !order.indices.dropFirst().allSatisfy({ about.times[order[$0 - 1]] <= about.times[order[$0]] }) {
      order.sort { (about.times[$0], $0) < (about.times[$1], $1) }
    }
    // Those that have begun, but for some that have ended.
    var begun: [UInt32] = []
    var next = 0
    for row in rows {
      while next < order.count && about.times[order[next]] <= times[row] {
        begun.append(numbers[order[next]])
        next += 1
      }
      if let ends { while let last = begun.last, ends.values[Int(last)] <= times[row] { begun.removeLast() } }
      if let last = begun.last { result[row] = last }
    }
    numbers.removeAll(keepingCapacity: true)
  }
}
