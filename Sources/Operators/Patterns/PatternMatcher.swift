import Arrow
import State
import VolleyPlan

/// Rows of matches, one number a step, one match after the other; `RowStore.missing` for steps that are not there.
struct MatchedRows {
  private(set) var numbers: [UInt32] = []
  private(set) var count = 0

  mutating func append(_ match: UInt32, of matches: PartialMatches, stepCount: Int) {
    let has = matches.step(match)
    for step in 0..<stepCount { numbers.append(step < has ? matches.row(match, step) : RowStore.missing) }
    count += 1
  }

  mutating func removeAll() {
    numbers.removeAll(keepingCapacity: true)
    count = 0
  }
}

/// Finds matches in rows that come in the order of their times.
///
/// How many matches have a row is counted, so that it can be forgotten when none has.
final class PatternMatcher {
  private let contiguity: [Plan.PatternContiguity]
  private let within: Int64
  let matches: PartialMatches
  /// By slot: when its oldest match is out of time.
  private let deadlines = SlotDeadlines()
  /// By row's number: the steps whose conditions it meets, a bit each.
  private let met = SlotColumn<UInt32>(initial: 0)
  /// By row's number: the matches that have it.
  private let users = SlotColumn<UInt32>(initial: 0)
  /// Matches that are complete, and those whose time was up, since they were taken.
  var complete = MatchedRows()
  var timedOut = MatchedRows()
  /// Rows that may have no match any more, some more than once.
  private var released: [UInt32] = []
  /// Open matches that were looked at, of all rows so far.
  private(set) var visited = 0

  init(_ steps: [Plan.PatternStep], within: Int64) {
    contiguity = steps.map(\.contiguity)
    self.within = within
    matches = PartialMatches(stepCount: steps.count)
  }

  private var stepCount: Int { contiguity.count }

  var byteCount: Int { matches.byteCount + deadlines.byteCount + met.byteCount + users.byteCount }

  /// Bytes that so many rows may add at worst.
  func growth(rows: Int, slotCount: Int, numberCount: Int) -> Int {
    matches.growth(to: slotCount + rows, adding: rows) + deadlines.growth(to: slotCount + rows, setting: rows)
      + met.growth(to: numberCount + rows) + users.growth(to: numberCount + rows)
  }

  func grow(to slotCount: Int) {
    matches.grow(to: slotCount)
    deadlines.grow(to: slotCount)
  }

  /// Rows are kept, and wait for their time to come.
  func keep(_ numbers: UnsafePointer<UInt32>, met steps: UnsafePointer<UInt32>, count: Int) {
    var most = 0
    for index in 0..<count { most = max(most, Int(numbers[index]) + 1) }
    met.grow(to: most)
    users.grow(to: most)
    for index in 0..<count {
      met.values[Int(numbers[index])] = steps[index]
      users.values[Int(numbers[index])] = 0
    }
  }

  /// The next row of a slot. Looks at those matches only that it completes, brings on or ends.
  func take(_ row: UInt32, slot: UInt32, time: Int64) {
    let met = met.values[Int(row)]
    timeOut(slot, by: time)
    // The last step first: a row is one step of a match.
    for step in Swift.stride(from: stepCount - 1, to: 0, by: -1) {
      if met &>> UInt32(step) & 1 != 0 {
        bringOn(slot, step, with: row)
      } else if contiguity[step] == .next {
        while true {
          let match = matches.first(slot, waitingFor: step)
          if match == PartialMatches.none { break }
          drop(match, slot, step)
        }
      }
    }
    if met & 1 != 0 {
      let isFirst = matches.first(slot).match == PartialMatches.none
      matches.begin(slot, row: row, time: time)
      users.values[Int(row)] &+= 1
      if isFirst { schedule(slot) }
    }
    released.append(row)
  }

  /// The row is that step of all matches that wait for it.
  private func bringOn(_ slot: UInt32, _ step: Int, with row: UInt32) {
    while true {
      let match = matches.first(slot, waitingFor: step)
      if match == PartialMatches.none { return }
      visited &+= 1
      matches.removeFirst(slot, waitingFor: step)
      matches.advance(match, row: row)
      users.values[Int(row)] &+= 1
      if step == stepCount - 1 {
        complete.append(match, of: matches, stepCount: stepCount)
        release(match)
      } else {
        matches.wait(match, of: slot)
      }
    }
  }

  /// Those that began first are out of time first.
  private func timeOut(_ slot: UInt32, by time: Int64) {
    while true {
      let (match, step) = matches.first(slot)
      if match == PartialMatches.none || !hasEnded(match, by: time) { return }
      timedOut.append(match, of: matches, stepCount: stepCount)
      drop(match, slot, step)
    }
  }

  private func hasEnded(_ match: UInt32, by time: Int64) -> Bool { time >= deadline(match) }

  /// The time at which a match is too late to be completed.
  private func deadline(_ match: UInt32) -> Int64 {
    let (end, overflows) = matches.start(match).addingReportingOverflow(within)
    return overflows ? .max - 1 : end
  }

  private func schedule(_ slot: UInt32) {
    let first = matches.first(slot).match
    if first == PartialMatches.none { return }
    var (slot, time) = (slot, deadline(first))
    deadlines.set(&slot, &time, count: 1)
  }

  /// Forgets the first match that waits for a step.
  private func drop(_ match: UInt32, _ slot: UInt32, _ step: Int) {
    visited &+= 1
    matches.removeFirst(slot, waitingFor: step)
    release(match)
  }

  /// Forgets a match that is in no list.
  private func release(_ match: UInt32) {
    for step in 0..<matches.step(match) {
      let row = matches.row(match, step)
      users.values[Int(row)] &-= 1
      released.append(row)
    }
    matches.forget(match)
  }

  /// All rows before `time` have been taken: matches that cannot be completed any more are out of time, at most about
  /// `limit` at once.
  ///
  /// - Returns: whether there may be more.
  func timeOut(upTo time: Int64, limit: Int) -> Bool {
    let due = deadlines.pop(upTo: time, limit: limit)
    if due.isEmpty { return false }
    // The buffer is used again by what is set below.
    for slot in due.map(\.slot) {
      timeOut(slot, by: time)
      schedule(slot)
    }
    return true
  }

  /// The rows that no match has any more, each once; they are to be removed once matches have been told.
  func takeReleased() -> [UInt32] {
    var free: [UInt32] = []
    for row in released where users.values[Int(row)] == 0 {
      users.values[Int(row)] = .max
      free.append(row)
    }
    released.removeAll(keepingCapacity: true)
    return free
  }

  // MARK: What outlives the process

  /// The steps whose conditions rows meet.
  func metColumn(of numbers: Selection) -> Column {
    let buffer = SlotBuffer(count: numbers.count)
    for index in 0..<numbers.count { buffer.pointer[index] = met.values[Int(numbers.rows[index])] }
    return Column(type: .uint32, length: numbers.count, validity: nil, buffers: [buffer.buffer])
  }

  /// A match comes back, after those of its slot that began before it.
  ///
  /// - Parameter time: of its first row.
  func restore(_ slot: UInt32, _ rows: [UInt32], time: Int64, sequence: UInt64) {
    let isFirst = matches.first(slot).match == PartialMatches.none
    matches.restore(slot, rows, time: time, sequence: sequence)
    for row in rows { users.values[Int(row)] &+= 1 }
    if isFirst { schedule(slot) }
  }

  /// Slots whose rows are all gone.
  func forget(_ slots: [UInt32]) { deadlines.clear(slots, count: slots.count) }
}
