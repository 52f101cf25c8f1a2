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
  private let matches: PartialMatches
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

  /// The next row of a slot.
  func take(_ row: UInt32, slot: UInt32, time: Int64) {
    let met = met.values[Int(row)]
    var former = PartialMatches.none
    var match = matches.ends(slot).first
    while match != PartialMatches.none {
      let next = matches.next(match)
      if hasEnded(match, by: time) {
        end(match, former, slot, &timedOut)
      } else {
        let step = matches.step(match)
        if met &>> UInt32(step) & 1 != 0 {
          matches.advance(match, row: row)
          users.values[Int(row)] &+= 1
          if step == stepCount - 1 { end(match, former, slot, &complete) } else { former = match }
        } else if contiguity[step] == .next {
          drop(match, former, slot)
        } else {
          former = match
        }
      }
      match = next
    }
    if met & 1 != 0 {
      matches.begin(slot, row: row, time: time)
      users.values[Int(row)] &+= 1
      if matches.ends(slot).first == matches.ends(slot).last { schedule(slot) }
    }
    released.append(row)
  }

  private func hasEnded(_ match: UInt32, by time: Int64) -> Bool { time >= deadline(match) }

  /// The time at which a match is too late to be completed.
  private func deadline(_ match: UInt32) -> Int64 {
    let (end, overflows) = matches.start(match).addingReportingOverflow(within)
    return overflows ? .max - 1 : end
  }

  private func schedule(_ slot: UInt32) {
    let first = matches.ends(slot).first
    if first == PartialMatches.none { return }
    var (slot, time) = (slot, deadline(first))
    deadlines.set(&slot, &time, count: 1)
  }

  private func end(_ match: UInt32, _ former: UInt32, _ slot: UInt32, _ told: inout MatchedRows) {
    told.append(match, of: matches, stepCount: stepCount)
    drop(match, former, slot)
  }

  private func drop(_ match: UInt32, _ former: UInt32, _ slot: UInt32) {
    for step in 0..<matches.step(match) {
      let row = matches.row(match, step)
      users.values[Int(row)] &-= 1
      released.append(row)
    }
    matches.remove(match, behind: former, of: slot)
  }

  /// All rows before `time` have been taken: matches that cannot be completed any more are out of time, at most about `limit` at once.
  ///
  /// - Returns: whether there may be more.
  func timeOut(upTo time: Int64, limit: Int) -> Bool {
    let due = deadlines.pop(upTo: time, limit: limit)
    if due.isEmpty { return false }
    // The buffer is used again by what is set below.
    for slot in due.map(\.slot) {
      while true {
        let first = matches.ends(slot).first
        if first == PartialMatches.none || !hasEnded(first, by: time) { break }
        end(first, PartialMatches.none, slot, &timedOut)
      }
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

  /// Slots whose rows are all gone.
  func forget(_ slots: [UInt32]) { deadlines.clear(slots, count: slots.count) }
}
