import Arrow
import State
import VolleyPlan

/// Times to live as what outlives the process: when a slot was touched last, so that it lives by the time that the plan says then.
extension TimeToLive {
  static let written = Field("$written", .timestamp(.microsecond, timezone: nil))

  /// When slots were touched last.
  func writtenColumn(of slots: [UInt32]) -> Column {
    let builder = FixedBuilder<Int64>(.timestamp)
    for slot in slots {
      if let expiry = expiry(of: slot) { builder.append(expiry - duration) } else { builder.appendNull() }
    }
    return builder.finish()
  }

  /// Slots that come back live on from when they were touched; from `now` on where nobody noted when.
  func restore(_ slots: UnsafePointer<UInt32>, count: Int, _ written: Column, at now: Int64) {
    let times = (0..<count).map { written.isValid($0) ? written.values(Int64.self)[$0] : now }
    touch(slots, at: times, count: count)
  }
}
