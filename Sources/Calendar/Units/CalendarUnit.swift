import Base
import VolleyPlan

/// A unit of time as people count it.
public enum CalendarUnit: String, Sendable, Hashable, CaseIterable {
  case nanosecond, microsecond, millisecond, second, minute, hour, day, week, month, quarter, year

  /// Nanoseconds of a unit that has always as many; a day has 24 hours here. Nil for months and more.
  var nanoseconds: Int64? {
    switch self {
    case .nanosecond: 1
    case .microsecond: 1_000
    case .millisecond: 1_000_000
    case .second: 1_000_000_000
    case .minute: 60_000_000_000
    case .hour: 3_600_000_000_000
    case .day: 86_400_000_000_000
    case .week: 604_800_000_000_000
    case .month, .quarter, .year: nil
    }
  }

  /// Months of a unit of months and more.
  var months: Int64? {
    switch self {
    case .month: 1
    case .quarter: 3
    case .year: 12
    default: nil
    }
  }

  /// Whether the unit follows the clocks of a place: days and more do, hours and less elapse.
  var isOfCalendar: Bool { self >= .day }

  /// `multiple` of the unit in a column's unit, which must hold it as a whole number.
  ///
  /// - Parameter place: leads the message.
  func length(_ multiple: Int64, in unit: TimeUnit, place: String) throws(Failure) -> Int64 {
    guard let nanoseconds else { preconditionFailure("\(self) has no fixed length") }
    let perUnit = 1_000_000_000 / unit.perSecond
    // Either one divides the other.
    if nanoseconds >= perUnit {
      let (length, overflow) = (nanoseconds / perUnit).multipliedReportingOverflow(by: multiple)
      guard !overflow else {
        throw Failure(
          .usage, "\(place): \(multiple) \(rawValue)s are more than a timestamp[\(unit.rawValue)] spans; use fewer")
      }
      return length
    }
    guard multiple % (perUnit / nanoseconds) == 0 else {
      throw Failure(
        .usage,
        "\(place): \(multiple) \(rawValue)s are no whole number of \(unit.rawValue), the column's unit; cast it to a finer unit first"
      )
    }
    return multiple / (perUnit / nanoseconds)
  }
}

extension CalendarUnit: Comparable {
  public static func < (left: CalendarUnit, right: CalendarUnit) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .nanosecond: 0
    case .microsecond: 1
    case .millisecond: 2
    case .second: 3
    case .minute: 4
    case .hour: 5
    case .day: 6
    case .week: 7
    case .month: 8
    case .quarter: 9
    case .year: 10
    }
  }
}

/// Where the readings of a column's timestamps come from.
public enum WallClock: Sendable {
  /// The integers are readings themselves: timestamps without a zone, and those in UTC.
  case own
  /// The integers are moments in UTC, and the zone's clocks show the readings.
  case zone(TimeZone)

  /// Of a column's zone: nil and UTC are `own`. GMT is a zone, for the sake of its abbreviation.
  public init(zone name: String?, in database: ZoneDatabase = .shared) throws(Failure) {
    guard let name, !FixedOffset.isUTC(name) || name == "GMT" else {
      self = .own
      return
    }
    self = .zone(try database.zone(name))
  }
}
