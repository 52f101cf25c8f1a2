/// How far the clocks of a place are from UTC, at any time.
public final class TimeZone: Sendable {
  /// As it was asked for: "Europe/Berlin", "+02:00".
  public let name: String
  /// Every distance from UTC that its clocks ever had.
  public let types: [LocalTimeType]
  /// When stretches begin, in seconds of UTC, ascending: the first is `.min`.
  private let starts: [Int64]
  private let typeOfStart: [UInt16]
  /// How many of `starts` are at or before the first second of each bucket of the indexed years.
  private let index: [UInt32]
  /// For the time behind the last start, unless clocks are never changed then.
  private let rule: PosixRule?
  /// Where the rule's two types are among `types`.
  private let standard: Int
  private let summer: Int

  // The years 1900 to 2200, in buckets of 97 days: few zones have two changes in one. Rules are tabled up to 2200.
  private static let indexFirst: Int64 = -2_208_988_800
  private static let indexEnd: Int64 = 7_258_118_400
  private static let bucketShift: Int64 = 23

  /// Clocks that are never changed.
  ///
  /// - Parameter offset: seconds east of UTC, less than a day.
  public convenience init(name: String, fixedOffset offset: Int64, abbreviation: String) {
    precondition(abs(offset) < Civil.secondsPerDay, "an offset is less than a day, not \(offset) s")
    var file = TZifFile()
    file.types = [LocalTimeType(offset: offset, isSummer: false, abbreviation: abbreviation)]
    self.init(name: name, file)
  }

  init(name: String, _ file: TZifFile) {
    self.name = name
    var types = file.types
    var starts = [Int64.min] + file.transitions
    var typeOfStart = [UInt16(0)] + file.typeOfTransition.map { UInt16($0) }
    if let rule = file.rule {
      (standard, summer) = (types.count, types.count + 1)
      types += [rule.standard, rule.summer?.type ?? rule.standard]
      if starts.count == 1 { typeOfStart[0] = UInt16(standard) }
      // The table's last transition may begin what the rule says holds then. A table that ends long ago stays as it is:
      // what the rule says of that time is found when asked for.
      var next = file.transitions.last ?? .max
      while next >= Self.indexFirst, next < Self.indexEnd {
        let found = rule.span(at: next)
        if next != starts[starts.count - 1] {
          starts.append(next)
          typeOfStart.append(0)
        }
        typeOfStart[starts.count - 1] = UInt16(found.isSummer ? summer : standard)
        guard found.last < .max else { break }
        next = found.last + 1
      }
    } else {
      (standard, summer) = (0, 0)
    }
    rule = file.rule?.summer == nil ? nil : file.rule
    (self.types, self.starts, self.typeOfStart) = (types, starts, typeOfStart)
    var index: [UInt32] = []
    var count = 0
    for time in stride(from: Self.indexFirst, through: Self.indexEnd + 1 << Self.bucketShift, by: 1 << Self.bucketShift)
    {
      while count < starts.count, starts[count] <= time { count += 1 }
      index.append(UInt32(count))
    }
    self.index = index
  }

  /// Seconds east of UTC, when that is the same at any time.
  public var fixedOffset: Int64? { starts.count == 1 && rule == nil ? span(at: 0).offset : nil }

  /// What holds at a point in time, from when until when. Neighbours may show the same time under other names.
  ///
  /// - Parameter seconds: of UTC, since 1970-01-01T00:00:00.
  public func span(at seconds: Int64) -> ZoneSpan {
    // How many stretches have begun.
    var (low, high) = (1, starts.count)
    if seconds >= Self.indexFirst, seconds < Self.indexEnd {
      let bucket = Int((seconds - Self.indexFirst) >> Self.bucketShift)
      (low, high) = (Int(index[bucket]), Int(index[bucket + 1]))
    }
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    if low == starts.count, let rule {
      let found = rule.span(at: seconds)
      let type = found.isSummer ? summer : standard
      return ZoneSpan(
        first: max(found.first, starts[low - 1]), last: found.last, offset: types[type].offset, type: type)
    }
    let type = Int(typeOfStart[low - 1])
    return ZoneSpan(
      first: starts[low - 1], last: low == starts.count ? .max : starts[low] - 1, offset: types[type].offset, type: type
    )
  }

  // RFC 8536 has no offset beyond.
  static let mostOffset: Int64 = 26 * 3600

  /// What a reading of this zone's clocks means.
  ///
  /// - Parameter seconds: since the reading 1970-01-01T00:00:00.
  public func reading(_ seconds: Int64) -> LocalReading {
    var span = span(at: seconds.saturatingAdd(-Self.mostOffset))
    let end = seconds.saturatingAdd(Self.mostOffset)
    var (first, last, gap): (ZoneSpan?, ZoneSpan?, (ZoneSpan, ZoneSpan)?)
    while true {
      if seconds >= span.firstReading, seconds <= span.lastReading {
        first = first ?? span
        last = span
      }
      guard span.last < end else { break }
      let next = self.span(at: span.last + 1)
      if gap == nil, seconds > span.lastReading, seconds < next.firstReading { gap = (span, next) }
      span = next
    }
    if let first, let last {
      return first.first == last.first ? .unique(first) : .ambiguous(earliest: first, latest: last)
    }
    // Only at the very ends of the range is there neither.
    guard let gap else { return .unique(span) }
    return .nonexistent(before: gap.0, after: gap.1)
  }

  /// The readings that mean a moment of that stretch and of no other; nil where there are none or too many neighbours to
  /// tell.
  func ownReadings(of span: ZoneSpan) -> ClosedRange<Int64>? {
    var (low, high) = (span.firstReading, span.lastReading)
    if span.first > .min {
      let before = self.span(at: span.first - 1)
      guard before.first == .min || before.last - before.first > 2 * Self.mostOffset else { return nil }
      low = max(low, before.lastReading.saturatingAdd(1))
    }
    if span.last < .max {
      let after = self.span(at: span.last + 1)
      guard after.last == .max || after.last - after.first > 2 * Self.mostOffset else { return nil }
      high = min(high, after.firstReading.saturatingAdd(-1))
    }
    return low <= high ? low...high : nil
  }
}
