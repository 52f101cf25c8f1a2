import Base
import Calendar
import VolleyPlan

/// Which casts there are.
enum CastRules {
  /// Nil when values of `source` can be cast to `target`, else why not and what to do instead.
  static func objection(from source: DataType, to target: DataType) -> String? {
    switch (source, target) {
    case (.timestamp(_, let zone), .timestamp(_, let targetZone)):
      return zoneObjection(from: zone, to: targetZone)
    case (.timestamp, .int32), (.timestamp, .float64):
      return "a point in time is a count of units as int64; cast to int64 first"
    case (.timestamp, .bool), (.bool, .timestamp):
      return "there is no meaning to it; compare with a timestamp instead"
    case (.float64, .timestamp):
      return "a timestamp is a whole count of units; cast to int64 first"
    default: return nil
    }
  }

  /// The integer is UTC on one side and a wall clock's reading on the other: the same only if the zone is UTC.
  private static func zoneObjection(from source: String?, to target: String?) -> String? {
    switch (source, target) {
    case (let zone?, nil) where !FixedOffset.isUTC(zone), (nil, let zone?) where !FixedOffset.isUTC(zone):
      "the offset of \(zone) is not known here; cast by way of a timestamp in UTC, whose reading is the same"
    default: nil
    }
  }
}
