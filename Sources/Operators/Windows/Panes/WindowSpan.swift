/// A stretch of time, of a window or a pane: microseconds since 1970. It has its start, and has not its end.
struct WindowSpan: Hashable, Comparable {
  var start: Int64
  var end: Int64

  /// In the order in which windows fire.
  static func < (left: WindowSpan, right: WindowSpan) -> Bool {
    left.end == right.end ? left.start < right.start : left.end < right.end
  }

  func contains(_ time: Int64) -> Bool { time >= start && time < end }
}
