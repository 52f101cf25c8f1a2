/// What a zone's clocks show for a while.
public struct LocalTimeType: Hashable, Sendable {
  /// Seconds east of UTC.
  public var offset: Int64
  public var isSummer: Bool
  /// "CET", or "+0530" where there is no name.
  public var abbreviation: String
}

/// A stretch of time in which a zone's clocks keep one distance from UTC.
public struct ZoneSpan: Sendable {
  /// The first and the last second of it, of UTC since 1970-01-01T00:00:00; `.min` and `.max` where it has no end.
  public var first: Int64
  public var last: Int64
  /// Seconds east of UTC.
  public var offset: Int64
  /// Which of the zone's `types` it is.
  public var type: Int

  /// The readings that the clocks show in it; `.min` and `.max` where it has no end.
  var firstReading: Int64 { first == .min ? .min : first.saturatingAdd(offset) }
  var lastReading: Int64 { last == .max ? .max : last.saturatingAdd(offset) }
}

/// What a reading of a zone's clocks means.
public enum LocalReading: Sendable {
  /// It was shown once.
  case unique(ZoneSpan)
  /// It was shown twice or more, as clocks were put back: in the first and in the last of these stretches.
  case ambiguous(earliest: ZoneSpan, latest: ZoneSpan)
  /// It was never shown, as clocks were put forward from the one stretch to the other.
  case nonexistent(before: ZoneSpan, after: ZoneSpan)
}

extension Int64 {
  func saturatingAdd(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  func saturatingSubtract(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other > 0 ? .min : .max) : difference
  }
}
