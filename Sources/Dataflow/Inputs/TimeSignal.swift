import Base

/// How far event time has come somewhere, and whether that place has gone idle: what there is to say of it, in this order.
struct TimeSignal: Equatable {
  /// The watermark: it has moved on to here, or is said again because the place is active again.
  var watermark: EventTime?
  /// From here on it holds nobody back, until its next watermark.
  var idle = false

  static let nothing = TimeSignal()
}
