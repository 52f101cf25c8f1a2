import Base
import Calendar
import VolleyPlan

/// How time is cut into panes, one after the other: evenly, into long and short ones in turn, or at the midnights of a
/// zone.
struct PaneGrid {
  private enum Cut {
    case even(FloorDivisor, offset: Int64)
    /// Each stretch of a length has one more cut in it, so far from its start.
    case twofold(FloorDivisor, second: Int64, offset: Int64)
    case days(LocalDays)
  }

  private var cut: Cut

  /// - Parameters:
  ///   - length: microseconds.
  ///   - offset: microseconds from a multiple of the length to a border.
  init(length: Int64, offset: Int64) {
    cut = .even(FloorDivisor(length), offset: floorDivide(offset, length).remainder)
  }

  /// At the starts and at the ends of windows that slide, which is twice a slide at most.
  init(size: Int64, slide: Int64, offset: Int64) {
    let second = size % slide
    self.init(length: slide, offset: offset)
    if second > 0, case .even(let length, let offset) = cut {
      cut = .twofold(length, second: second, offset: offset)
    }
  }

  /// Whole days of a zone's clocks.
  init(days length: Int64, offset: Int64, zone: TimeZone) {
    cut = .days(LocalDays(length: length, offset: floorDivide(offset, length).remainder, zone: zone))
  }

  /// The pane that a time is in, which has to be a few panes away from the ends of what an integer holds.
  mutating func pane(at time: Int64) -> WindowSpan {
    switch cut {
    case .even(let length, let offset):
      let start = length.floor(time - offset) + offset
      return WindowSpan(start: start, end: start + length.divisor)
    case .twofold(let length, let second, let offset):
      let start = length.floor(time - offset) + offset
      return time < start + second
        ? WindowSpan(start: start, end: start + second)
        : WindowSpan(start: start + second, end: start + length.divisor)
    case .days(var days):
      let pane = days.pane(at: time)
      cut = .days(days)
      return pane
    }
  }
}

/// Stretches between readings of a zone's clocks that are whole days apart.
///
/// A reading that the clocks showed twice is a border the first time, and one that was skipped where the clocks went
/// on. What lies between two borders belongs together, also when clocks that were put back showed the day before once
/// more.
private struct LocalDays {
  private let length: Int64
  private let offset: Int64
  private var cursor: ZoneCursor

  init(length: Int64, offset: Int64, zone: TimeZone) {
    self.length = length
    self.offset = offset
    cursor = ZoneCursor(zone, unit: .microsecond)
  }

  mutating func pane(at time: Int64) -> WindowSpan {
    var number = floorDivide(cursor.reading(at: time) - offset, length).quotient
    while true {
      let (start, end) = (border(number), border(number + 1))
      if time < start {
        number -= 1
      } else if time >= end {
        number += 1
      } else {
        return WindowSpan(start: start, end: end)
      }
    }
  }

  private mutating func border(_ number: Int64) -> Int64 {
    cursor.moment(of: number * length + offset, ambiguous: .earliest, nonexistent: .latest)
  }
}
