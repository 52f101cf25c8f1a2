import Calendar
import VolleyPlan

/// Reads a point in time that fills `start`..<`end`: an integer of the column's unit, or ISO 8601 text as files have it (see
/// `ISO8601.Dialect.lenient`). Without a zone the text is UTC.
func parseTimestamp(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, unit: TimeUnit, _ value: inout Int64
) -> ValueProblem {
  if end - start < 10 || start[4] != UInt8(ascii: "-") || start[7] != UInt8(ascii: "-") {
    return parseInteger(start, end, &value)
  }
  switch ISO8601.read(start, end, unit: unit, .lenient, &value) {
  case .withoutOffset, .withOffset: return .none
  // An integer may have dashes at no other place than its first.
  case .malformed: return .malformed
  case .outOfRange: return .outOfRange
  }
}
