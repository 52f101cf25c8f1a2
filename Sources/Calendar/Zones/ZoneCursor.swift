import VolleyPlan

/// What to do with a reading that a zone's clocks never showed, or showed twice.
public enum ReadingChoice: String, Sendable, Hashable, CaseIterable {
  /// Of the two moments of an ambiguous reading the earlier; for one that was skipped, the last unit before the gap.
  case earliest
  /// Of the two moments the later; for a reading that was skipped, the first moment behind the gap.
  case latest
  /// The row fails.
  case raise
}

/// Goes from UTC to a zone's readings and back, for a column in one unit. It remembers the stretch between two changes of
/// the clocks that it met last, so that a run of rows in one stretch costs a comparison and an addition a row.
///
/// All counts are in the cursor's unit. A value that has no result sets `failed` and gives 0.
public struct ZoneCursor: Sendable {
  @usableFromInline let zone: TimeZone
  @usableFromInline let perSecond: Int64
  private let seconds: FloorDivisor
  /// The stretch: its first unit of UTC, and how many units behind it is the last.
  @usableFromInline var first: Int64 = 0
  @usableFromInline var length: UInt64 = 0
  /// Units east of UTC in the stretch.
  @usableFromInline var offset: Int64 = 0
  /// Readings that mean a moment of one stretch and no other, and the offset there.
  @usableFromInline var firstReading: Int64 = 1
  @usableFromInline var readings: Int64 = -1
  @usableFromInline var readingOffset: Int64 = 0
  /// Whether a value had no result.
  public var failed = false
  /// Which of the zone's `types` the stretch has.
  public private(set) var type = 0

  public init(_ zone: TimeZone, unit: TimeUnit) {
    self.zone = zone
    perSecond = unit.perSecond
    seconds = FloorDivisor(unit.perSecond)
    remember(zone.span(at: 0))
  }

  /// What the zone's clocks show at a moment, as if it were UTC.
  @inlinable
  @inline(__always)  // 1 ns a row in line; the search behind it is a call.
  public mutating func reading(at moment: Int64) -> Int64 {
    if UInt64(bitPattern: moment &- first) <= length { return moment &+ offset }
    return searchReading(at: moment)
  }

  /// The moment at which the zone's clocks show a reading.
  @inlinable
  @inline(__always)  // As `reading`.
  public mutating func moment(of reading: Int64, ambiguous: ReadingChoice, nonexistent: ReadingChoice) -> Int64 {
    if hasOneMoment(reading) { return reading &- readingOffset }
    return searchMoment(of: reading, ambiguous, nonexistent)
  }

  /// Whether `readingOffset` leads from the reading to its moment, and nothing else does.
  @inlinable
  @inline(__always)  // As `reading`.
  func hasOneMoment(_ reading: Int64) -> Bool { reading >= firstReading && reading <= readings }

  @inline(never)
  @usableFromInline mutating func searchReading(at moment: Int64) -> Int64 {
    remember(zone.span(at: seconds.quotient(moment)))
    if UInt64(bitPattern: moment &- first) <= length { return moment &+ offset }
    failed = true  // Beyond what `remember` let stand: the reading does not fit.
    return 0
  }

  private mutating func remember(_ span: ZoneSpan) {
    type = span.type
    offset = span.offset &* perSecond
    // Only moments whose reading fits.
    let low = max(scaled(span.first), offset < 0 ? .min &- offset : .min)
    let high = min(scaledEnd(span.last), offset > 0 ? .max &- offset : .max)
    first = low
    length = UInt64(bitPattern: max(low, high) &- low)
  }

  private mutating func rememberReadings(of span: ZoneSpan) {
    guard let own = zone.ownReadings(of: span) else { return }
    readingOffset = span.offset &* perSecond
    firstReading = max(scaled(own.lowerBound), readingOffset > 0 ? .min &+ readingOffset : .min)
    readings = min(scaledEnd(own.upperBound), readingOffset < 0 ? .max &+ readingOffset : .max)
  }

  /// A second's first unit.
  private func scaled(_ seconds: Int64) -> Int64 {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: perSecond)
    return overflow ? (seconds < 0 ? .min : .max) : product
  }

  /// A second's last unit.
  private func scaledEnd(_ seconds: Int64) -> Int64 {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: perSecond)
    return overflow ? (seconds < 0 ? .min : .max) : product.saturatingAdd(perSecond - 1)
  }

  @inline(never)
  @usableFromInline mutating func searchMoment(
    of reading: Int64, _ ambiguous: ReadingChoice, _ nonexistent: ReadingChoice
  ) -> Int64 {
    switch zone.reading(seconds.quotient(reading)) {
    case .unique(let span):
      rememberReadings(of: span)
      return moment(of: reading, in: span)
    case .ambiguous(let earliest, let latest):
      switch ambiguous {
      case .earliest: return moment(of: reading, in: earliest)
      case .latest: return moment(of: reading, in: latest)
      case .raise: break
      }
    case .nonexistent(_, let after):
      let border = after.first.multipliedReportingOverflow(by: perSecond)
      guard !border.overflow, nonexistent != .raise else { break }
      return nonexistent == .earliest ? border.partialValue &- 1 : border.partialValue
    }
    failed = true
    return 0
  }

  private mutating func moment(of reading: Int64, in span: ZoneSpan) -> Int64 {
    let (moment, overflow) = reading.subtractingReportingOverflow(span.offset &* perSecond)
    if overflow { failed = true }
    return overflow ? 0 : moment
  }

  // What follows serves arithmetic on readings that has a moment to start from.

  /// The moment of a reading that was rounded down from that of `origin`: of two moments the later that is not after
  /// the origin if `nearest`, else the earlier; behind a gap where it was skipped.
  @inline(__always)  // As `reading`.
  mutating func moment(ofFloor reading: Int64, origin: Int64, nearest: Bool) -> Int64 {
    if hasOneMoment(reading) { return reading &- readingOffset }
    if nearest {
      let latest = searchMoment(of: reading, .latest, .latest)
      if latest <= origin || failed { return latest }
    }
    return searchMoment(of: reading, .earliest, .latest)
  }

  /// The moment of a reading that was rounded up from that of `origin`: of two moments the earlier that is not before
  /// the origin; behind a gap where it was skipped.
  mutating func moment(ofCeiling reading: Int64, origin: Int64) -> Int64 {
    if hasOneMoment(reading) { return reading &- readingOffset }
    let earliest = searchMoment(of: reading, .earliest, .latest)
    return earliest >= origin || failed ? earliest : searchMoment(of: reading, .latest, .latest)
  }

  /// The moment of a reading that was reached by counting on from that of `origin`: where there are two, the one that has
  /// the origin's offset, else the earlier; where it was skipped, as much behind the gap as it was in it.
  mutating func moment(ofShifted reading: Int64, originOffset: Int64) -> Int64 {
    if hasOneMoment(reading) { return reading &- readingOffset }
    switch zone.reading(seconds.quotient(reading)) {
    case .unique(let span):
      rememberReadings(of: span)
      return moment(of: reading, in: span)
    case .ambiguous(let earliest, let latest):
      return moment(of: reading, in: latest.offset &* perSecond == originOffset ? latest : earliest)
    case .nonexistent(let before, _):
      return moment(of: reading, in: before)
    }
  }
}
