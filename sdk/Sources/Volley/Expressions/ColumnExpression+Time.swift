import VolleyPlan

/// A unit of time as people count it.
public enum CalendarUnit: String, Sendable, CaseIterable {
  case nanosecond, microsecond, millisecond, second, minute, hour, day, week, month, quarter, year
}

/// A part of what a clock and a calendar show.
public enum TimeField: String, Sendable, CaseIterable {
  case year
  /// 1 to 4.
  case quarter
  case month
  /// The week of ISO 8601, 1 to 53.
  case week
  /// The year that the week of ISO 8601 belongs to.
  case isoYear = "iso_year"
  /// 1 to 31.
  case day
  /// 1 for Monday to 7 for Sunday.
  case dayOfWeek = "day_of_week"
  /// 1 to 366.
  case dayOfYear = "day_of_year"
  case hour, minute, second
  /// 0 to 999, since the last full second; microseconds and nanoseconds likewise, since the last full unit above them.
  case millisecond, microsecond, nanosecond
  /// Whole seconds since 1970-01-01T00:00:00 UTC.
  case epoch
}

/// The day that begins a week.
public enum WeekStart: String, Sendable { case monday, sunday }

/// What to do with a reading that the clocks of a zone showed twice, or never.
public enum ClockChoice: String, Sendable {
  /// The earlier of two moments; the last before the clocks were put forward.
  case earliest
  /// The later of two moments; the first after the clocks were put forward.
  case latest
  /// The job stops.
  case raise
}

/// Dates, times and timestamps. A timestamp with a time zone is looked at on the clocks of that zone, whose changes the host
/// knows from the machine's zone database. A null makes the result null.
///
/// Sums and differences are written with `+` and `-`: a time and a duration or an interval, two times, a date and a number
/// of days. There is no current time among expressions: a job that is replayed must compute the same values again.
extension ColumnExpression {
  /// The time rounded down to a multiple of a unit: `col("time").truncated(to: .minute, multiple: 15)`.
  ///
  /// Multiples are counted from 1970-01-01T00:00:00, those of years from the year 0.
  public func truncated(
    to unit: CalendarUnit, multiple: Int = 1, weekStart: WeekStart = .monday
  ) -> ColumnExpression { rounded("date_truncate", unit, multiple, weekStart) }

  /// The time rounded up to a multiple of a unit; a time that is a multiple stays.
  public func roundedUp(
    to unit: CalendarUnit, multiple: Int = 1, weekStart: WeekStart = .monday
  ) -> ColumnExpression { rounded("date_ceil", unit, multiple, weekStart) }

  private func rounded(
    _ function: String, _ unit: CalendarUnit, _ multiple: Int, _ weekStart: WeekStart
  ) -> ColumnExpression {
    .call(function, [lit(unit.rawValue), self, lit(multiple), lit(weekStart.rawValue)])
  }

  /// A part of the time as an int64: `col("time").extract(.hour)`.
  public func extract(_ field: TimeField) -> ColumnExpression { .call("extract", [lit(field.rawValue), self]) }

  /// The time a number of units later, or earlier if it is negative: `col("due").adding(3, .month)`.
  ///
  /// Hours and less elapse; days and more go by the calendar, and a day that the month does not have becomes its last.
  public func adding(_ amount: ColumnExpression, _ unit: CalendarUnit) -> ColumnExpression {
    .call("date_add", [lit(unit.rawValue), amount, self])
  }

  /// How many borders of a unit lie between this time and a later one, as an int64; negative for an earlier one. From 23:59
  /// to 0:01 is one day. For the time that elapses, subtract the times.
  public func difference(to later: ColumnExpression, in unit: CalendarUnit) -> ColumnExpression {
    .call("date_diff", [lit(unit.rawValue), self, later])
  }

  /// The time as text, by the codes of strftime: `col("time").formatted("%Y-%m-%d %H:%M:%S")`.
  ///
  /// `%S` has the decimals of the column's unit unless the format has `%f`.
  public func formatted(_ format: String) -> ColumnExpression { .call("date_format", [self, lit(format)]) }

  /// A text as a timestamp, by the codes of strptime. It is in UTC if the format has an offset, else without a time zone.
  /// A text in another form stops the job.
  public func parsedTime(_ format: String, unit: TimeUnit = .microsecond) -> ColumnExpression {
    .call("date_parse", [self, lit(format), lit(unit.rawValue)])
  }

  /// As `parsedTime`, but null for a text in another form.
  public func parsedTimeOrNull(_ format: String, unit: TimeUnit = .microsecond) -> ColumnExpression {
    .call("try_date_parse", [self, lit(format), lit(unit.rawValue)])
  }

  /// The same points in time with another time zone: "Europe/Berlin", "UTC", "+02:00".
  public func inZone(_ zone: String) -> ColumnExpression { .call("to_zone", [self, lit(zone)]) }

  /// The points in time at which the clocks of a zone showed these timestamps, which have no zone.
  ///
  /// - Parameters:
  ///   - ambiguous: for readings that the clocks showed twice.
  ///   - nonexistent: for readings that they never showed.
  public func assumingZone(
    _ zone: String, ambiguous: ClockChoice = .raise, nonexistent: ClockChoice = .raise
  ) -> ColumnExpression {
    .call("assume_zone", [self, lit(zone), lit(ambiguous.rawValue), lit(nonexistent.rawValue)])
  }

  /// What the clocks of the timestamp's zone show, without a zone.
  public var localTime: ColumnExpression { .call("local_time", [self]) }
}
