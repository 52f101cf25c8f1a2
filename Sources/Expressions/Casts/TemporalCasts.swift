import Arrow
import Base
import Calendar
import VolleyPlan

/// Casts among dates, times, timestamps and durations, and between them and the integers that they are kept as.
///
/// - A timestamp's date and time of the day are those that the clocks of its time zone show. A date's timestamp is its
///   midnight, for which a time zone other than UTC needs `assume_zone`.
/// - Points in time, of a day too, go to the earlier one in a coarser unit, and must fit a finer one. A duration must be a
///   whole number of a coarser unit.
/// - A value that does not fit is a failure that names it.
enum TemporalCasts {
  /// Nil when there is such a cast, else why not and what to do instead. One of both is temporal.
  static func objection(from source: DataType, to target: DataType) -> String? {
    switch (source, target) {
    case (.null, _): return nil
    case (.timestamp(_, let zone), .timestamp(_, let targetZone)):
      return zoneObjection(from: zone, to: targetZone)
    case (.timestamp(_, let zone), .date32), (.timestamp(_, let zone), .date64), (.timestamp(_, let zone), .time32),
      (.timestamp(_, let zone), .time64):
      do throws(Failure) { _ = try WallClock(zone: zone) } catch { return error.message }
      return nil
    case (.timestamp, .int64), (.int64, .timestamp), (.int32, .timestamp), (.date32, .int32), (.int32, .date32),
      (.date64, .int64), (.int64, .date64), (.time32, .int32), (.int32, .time32), (.time64, .int64), (.int64, .time64),
      (.duration, .int64), (.int64, .duration), (.duration, .duration), (.date32, .date64), (.date64, .date32),
      (.time32, .time32), (.time32, .time64), (.time64, .time32), (.time64, .time64):
      return nil
    case (.date32, .timestamp(_, let zone)), (.date64, .timestamp(_, let zone)):
      guard let zone, !FixedOffset.isUTC(zone) else { return nil }
      return "which midnight is meant depends on the clocks of \(zone); cast to a timestamp and call assume_zone"
    case (.timestamp, .utf8), (.utf8, .timestamp), (.date32, .utf8), (.utf8, .date32), (.date64, .utf8),
      (.utf8, .date64), (.time32, .utf8), (.utf8, .time32), (.time64, .utf8), (.utf8, .time64):
      return nil
    case (.timestamp, .int32), (.timestamp, .float64):
      return "a point in time is a count of units as int64; cast to int64 first"
    case (.float64, .timestamp):
      return "a timestamp is a whole count of units; cast to int64 first"
    case (.timestamp, .bool), (.bool, .timestamp):
      return "there is no meaning to it; compare with a timestamp instead"
    case (.interval, _), (_, .interval):
      return "months and days have no fixed length; add the interval to a timestamp instead"
    default: return indirect(source, target)
    }
  }

  /// The type by way of which there may be a cast.
  private static func indirect(_ source: DataType, _ target: DataType) -> String {
    let temporal = source.isTemporal ? source : target
    switch temporal {
    case .date32, .time32: return "\(temporal) is kept as int32; cast by way of int32"
    default: return "\(temporal) is kept as int64; cast by way of int64"
    }
  }

  /// The integer is UTC on one side and a wall clock's reading on the other: the same only if the zone is UTC.
  private static func zoneObjection(from source: String?, to target: String?) -> String? {
    switch (source, target) {
    case (let zone?, nil) where !FixedOffset.isUTC(zone):
      return "call local_time for what the clocks of \(zone) show, or cast by way of a timestamp in UTC"
    case (nil, let zone?) where !FixedOffset.isUTC(zone):
      return "call assume_zone for what the clocks of \(zone) showed, or cast by way of a timestamp in UTC"
    default: return nil
    }
  }

  static func cast(_ column: Column, to target: DataType) throws(Failure) -> Column {
    switch (column.type, target) {
    case (.timestamp(let unit, _), .timestamp(let targetUnit, _)):
      return try rescaled(column, unit, targetUnit, target, isExact: false)
    case (.duration(let unit), .duration(let targetUnit)):
      return try rescaled(column, unit, targetUnit, target, isExact: true)
    case (.int32, .timestamp): return try mapped(column, target) { (value: Int32, _) in Int64(value) }
    case (.timestamp(let unit, let zone), .date32):
      let perDay = FloorDivisor(unit.perSecond * Civil.secondsPerDay)
      return try readings(column, unit, zone, target) { reading, failed in
        Self.narrow(perDay.quotient(reading), &failed)
      }
    case (.timestamp(let unit, let zone), .date64):
      let perDay = FloorDivisor(unit.perSecond * Civil.secondsPerDay)
      return try readings(column, unit, zone, target) { reading, failed in
        Self.product(perDay.quotient(reading), millisecondsPerDay, &failed)
      }
    case (.timestamp(let unit, let zone), .time32(let targetUnit)):
      let scale = DayScale(unit, targetUnit)
      return try readings(column, unit, zone, target) { reading, _ in Int32(truncatingIfNeeded: scale.time(reading)) }
    case (.timestamp(let unit, let zone), .time64(let targetUnit)):
      let scale = DayScale(unit, targetUnit)
      return try readings(column, unit, zone, target) { reading, _ in scale.time(reading) }
    case (.date32, .timestamp(let unit, _)):
      let perDay = unit.perSecond * Civil.secondsPerDay
      return try mapped(column, target) { (days: Int32, failed) in Self.product(Int64(days), perDay, &failed) }
    case (.date32, .date64):
      return try mapped(column, target) { (days: Int32, _) in Int64(days) &* millisecondsPerDay }
    case (.date64, .date32):
      let perDay = FloorDivisor(millisecondsPerDay)
      return try mapped(column, target) { (value: Int64, failed) in Self.narrow(perDay.quotient(value), &failed) }
    case (.date64, .timestamp(let unit, _)):
      let (perDay, units) = (FloorDivisor(millisecondsPerDay), unit.perSecond * Civil.secondsPerDay)
      return try mapped(column, target) { (value: Int64, failed) in
        Self.product(perDay.quotient(value), units, &failed)
      }
    case (.time32(let unit), .time32(let targetUnit)):
      let scale = Scale(unit, targetUnit)
      return try mapped(column, target) { (value: Int32, failed) in
        Self.narrow(scale.earlier(Int64(value), &failed), &failed)
      }
    case (.time32(let unit), .time64(let targetUnit)):
      let scale = Scale(unit, targetUnit)
      return try mapped(column, target) { (value: Int32, failed) in scale.earlier(Int64(value), &failed) }
    case (.time64(let unit), .time32(let targetUnit)):
      let scale = Scale(unit, targetUnit)
      return try mapped(column, target) { (value: Int64, failed) in
        Self.narrow(scale.earlier(value, &failed), &failed)
      }
    case (.time64(let unit), .time64(let targetUnit)):
      return try rescaled(column, unit, targetUnit, target, isExact: false)
    default:
      // The same integers under another type.
      var column = column
      column.type = target
      return column
    }
  }

  private static var millisecondsPerDay: Int64 { 86_400_000 }

  @inline(__always)  // Part of the loops.
  private static func narrow(_ value: Int64, _ failed: inout Bool) -> Int32 {
    let narrow = Int32(truncatingIfNeeded: value)
    failed = failed || Int64(narrow) != value
    return narrow
  }

  @inline(__always)  // Part of the loops.
  private static func product(_ value: Int64, _ factor: Int64, _ failed: inout Bool) -> Int64 {
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    failed = failed || overflow
    return product
  }

  /// From one unit to another: a factor, or a divisor.
  private struct Scale {
    let factor: Int64
    let divisor: FloorDivisor

    init(_ unit: TimeUnit, _ target: TimeUnit) {
      factor = max(1, target.perSecond / unit.perSecond)
      divisor = FloorDivisor(max(1, unit.perSecond / target.perSecond))
    }

    @inline(__always)  // Part of the loops.
    func earlier(_ value: Int64, _ failed: inout Bool) -> Int64 {
      TemporalCasts.product(divisor.quotient(value), factor, &failed)
    }
  }

  /// From a reading to its time of the day in another unit.
  private struct DayScale {
    let perDay: FloorDivisor
    let scale: Scale

    init(_ unit: TimeUnit, _ target: TimeUnit) {
      perDay = FloorDivisor(unit.perSecond * Civil.secondsPerDay)
      scale = Scale(unit, target)
    }

    @inline(__always)  // Part of the loops.
    func time(_ reading: Int64) -> Int64 {
      scale.divisor.quotient(reading &- perDay.floor(reading)) &* scale.factor
    }
  }

  private static func rescaled(
    _ column: Column, _ unit: TimeUnit, _ targetUnit: TimeUnit, _ target: DataType, isExact: Bool
  ) throws(Failure) -> Column {
    if unit == targetUnit {
      var column = column
      column.type = target
      return column
    }
    if targetUnit.perSecond > unit.perSecond {
      let factor = targetUnit.perSecond / unit.perSecond
      return try mapped(column, target) { (value: Int64, failed) in Self.product(value, factor, &failed) }
    }
    let divisor = FloorDivisor(unit.perSecond / targetUnit.perSecond)
    if isExact {
      return try mapped(column, target) { (value: Int64, failed) in
        let (quotient, rest) = divisor.divide(value)
        failed = failed || rest != 0
        return quotient
      }
    }
    return try mapped(column, target) { (value: Int64, _) in divisor.quotient(value) }
  }

  /// Each value as another. `convert` sets its flag for a value that does not fit.
  @inline(__always)  // So that the closure is part of the loop.
  private static func mapped<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ column: Column, _ target: DataType, _ convert: (Source, inout Bool) -> Target
  ) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Target>.size)
    let (values, source) = (buffer.unsafeMutableValues(Target.self), column.values(Source.self))
    var failed = false
    for row in 0..<column.length { values[row] = convert(source[row], &failed) }
    if failed {
      for row in 0..<column.length where column.isValid(row) {
        var rowFailed = false
        _ = convert(source[row], &rowFailed)
        if rowFailed { throw CastFailure.doesNotFit(TemporalColumn.text(column, row), target) }
      }
    }
    return column.replacing(values: buffer, type: target)
  }

  /// As `mapped`, of what the clocks of a timestamp's zone show.
  @inline(__always)  // As `mapped`.
  private static func readings<Target: BitwiseCopyable>(
    _ column: Column, _ unit: TimeUnit, _ zone: String?, _ target: DataType,
    _ convert: (Int64, inout Bool) -> Target
  ) throws(Failure) -> Column {
    guard case .zone(let zone) = try WallClock(zone: zone) else { return try mapped(column, target, convert) }
    var cursor = ZoneCursor(zone, unit: unit)
    return try mapped(column, target) { (value: Int64, failed) in
      let converted = convert(cursor.reading(at: value), &failed)
      if cursor.failed {
        failed = true
        cursor.failed = false
      }
      return converted
    }
  }
}

extension DataType {
  /// Whether it is of dates, times, timestamps, durations or intervals.
  var isTemporal: Bool {
    switch self {
    case .date32, .date64, .time32, .time64, .timestamp, .duration, .interval: true
    default: false
    }
  }
}
